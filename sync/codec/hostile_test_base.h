// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the tests of Decode's refusals share: a message is a valid one with one thing wrong, and the
// refusal must name that thing.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "edgetwin/v1/sync.pb.h"
#include "sync/codec/codec.h"

namespace edgetwin::sync {

inline constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
inline constexpr const char* kNotUtf8 = "a\xc0\x80z";

inline Result<Frame> DecodeMessage(const v1::Frame& message) {
  const std::string bytes = message.SerializeAsString();
  return Decode(std::as_bytes(std::span(bytes)));
}

// Seqs 98, 99, 100 of pids 5, 6, 7.
inline v1::Frame StateDelta() {
  v1::Frame frame;
  frame.set_session(9);
  frame.set_to(100);
  frame.set_pid(5);
  for (const int number : {1, 2, 3}) frame.add_numbers(number);
  return frame;
}

// A desired, a status and an override row, valued as strings.
inline v1::Frame ControlDelta() {
  v1::Frame frame = StateDelta();
  frame.clear_numbers();
  frame.set_shape(v1::SHAPE_STRING);
  for (const char* text : {"on", "off", "auto"}) frame.add_texts(text);
  frame.add_side_runs(1 << 2 | v1::SIDE_DESIRED);
  frame.add_side_runs(1 << 2 | v1::SIDE_STATUS);
  frame.set_side(v1::SIDE_OVERRIDE);
  frame.set_refer(40);
  frame.add_notes("somebody");
  frame.add_untils(1);
  return frame;
}

struct Wrong {
  const char* name;
  v1::Frame (*valid)();
  void (*spoil)(v1::Frame&);
  const char* says;
};

class CodecHostileTest : public testing::TestWithParam<Wrong> {};

inline std::string NameOf(const testing::TestParamInfo<Wrong>& info) {
  return info.param.name;
}

}  // namespace edgetwin::sync
