// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes into Decode: it must not crash, and what it accepts must come back from Encode as
// it was.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "sync/codec/codec.h"
#include "sync/codec/testing/random_frames.h"
#include "twin/base/check.h"

using edgetwin::Result;
using edgetwin::sync::Decode;
using edgetwin::sync::Frame;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<Frame> frame = Decode(std::as_bytes(std::span(data, size)));
  if (!frame) return 0;
  const std::string bytes = edgetwin::sync::Encode(*frame);
  if (bytes.size() > edgetwin::sync::kFrameBytesMax)
    return 0;  // Another sender's choice was shorter.
  const Result<Frame> again = Decode(std::as_bytes(std::span(bytes)));
  EDGETWIN_CHECK(again.has_value());
  EDGETWIN_CHECK(edgetwin::sync::SameFrame(*frame, *again));
  return 0;
}
