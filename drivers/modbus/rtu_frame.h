// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Frames of Modbus RTU (MODBUS over Serial Line V1.02, 2.5.1): made, and found in what a line
// brings. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace edgetwin::driver {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kRtuFrameBytesMax = 256;

// What the answer to a request looks like, unit and checksum left out.
struct AnswerShape {
  Bytes begin;            // The bytes known beforehand; the first is the function.
  std::size_t bytes = 0;  // Of the whole; at least those of `begin`.
};

// CRC-16 of MODBUS over Serial Line V1.02, 6.2.2; its low byte goes first.
std::uint16_t RtuChecksum(std::span<const std::uint8_t> bytes);

// The unit, `pdu`, and the checksum.
Bytes RtuFrame(int unit, std::span<const std::uint8_t> pdu);

enum class RtuSearch : std::uint8_t {
  kNothing,  // Nothing that could be the answer's beginning.
  kBegun,    // It may have begun: more bytes will tell.
  kDamaged,  // An answer, but for its checksum, and nothing else that could be one.
  kWhole,
};

struct RtuFound {
  RtuSearch state = RtuSearch::kNothing;
  Bytes pdu;  // When whole: of the shape's length, or an exception, two bytes.
};

// Looks for `unit`'s answer, or its exception, anywhere in `line`: before it there may be what a
// transceiver picks up while it turns round, or another unit's late answer.
RtuFound FindAnswer(std::span<const std::uint8_t> line, int unit, const AnswerShape& shape);

}  // namespace edgetwin::driver
