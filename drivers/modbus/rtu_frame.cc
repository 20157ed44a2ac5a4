// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/rtu_frame.h"

#include <algorithm>

namespace edgetwin::driver {
namespace {

constexpr std::size_t kChecksumBytes = 2;
constexpr std::uint8_t kExceptionBit = 0x80;

// How far the bytes from `at` on are a frame of `unit` that begins so and is that long.
RtuSearch Judge(std::span<const std::uint8_t> line, int unit, std::span<const std::uint8_t> begin,
                std::size_t pdu_bytes) {
  // The unit's number alone says nothing: many bytes are 1.
  if (line.size() < 2 || line[0] != unit) return RtuSearch::kNothing;
  const std::size_t known = std::min(begin.size(), line.size() - 1);
  if (!std::equal(begin.begin(), begin.begin() + static_cast<std::ptrdiff_t>(known),
                  line.begin() + 1)) {
    return RtuSearch::kNothing;
  }
  const std::size_t body = 1 + pdu_bytes;
  if (line.size() < body + kChecksumBytes) return RtuSearch::kBegun;
  const std::uint16_t checksum = RtuChecksum(line.first(body));
  const bool good = line[body] == (checksum & 0xff) && line[body + 1] == (checksum >> 8);
  return good ? RtuSearch::kWhole : RtuSearch::kDamaged;
}

}  // namespace

std::uint16_t RtuChecksum(std::span<const std::uint8_t> bytes) {
  std::uint16_t checksum = 0xffff;
  for (const std::uint8_t byte : bytes) {
    checksum = static_cast<std::uint16_t>(checksum ^ byte);
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = (checksum & 1) != 0;
      checksum = static_cast<std::uint16_t>((checksum >> 1) ^ (odd ? 0xa001 : 0));
    }
  }
  return checksum;
}

Bytes RtuFrame(int unit, std::span<const std::uint8_t> pdu) {
  Bytes frame{static_cast<std::uint8_t>(unit)};
  frame.insert(frame.end(), pdu.begin(), pdu.end());
  const std::uint16_t checksum = RtuChecksum(frame);
  frame.push_back(static_cast<std::uint8_t>(checksum & 0xff));
  frame.push_back(static_cast<std::uint8_t>(checksum >> 8));
  return frame;
}

RtuFound FindAnswer(std::span<const std::uint8_t> line, int unit, const AnswerShape& shape) {
  const std::uint8_t exception[] = {static_cast<std::uint8_t>(shape.begin.front() | kExceptionBit)};
  RtuFound found;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const auto rest = line.subspan(at);
    std::size_t bytes = shape.bytes;
    RtuSearch state = Judge(rest, unit, shape.begin, bytes);
    if (state == RtuSearch::kNothing) {
      bytes = 2;
      state = Judge(rest, unit, exception, bytes);
    }
    if (state == RtuSearch::kWhole) {
      const auto pdu = rest.subspan(1, bytes);
      return {state, Bytes(pdu.begin(), pdu.end())};
    }
    // What may still become an answer outweighs what is a bad one.
    if (state == RtuSearch::kBegun ||
        (state == RtuSearch::kDamaged && found.state == RtuSearch::kNothing)) {
      found.state = state;
    }
  }
  return found;
}

}  // namespace edgetwin::driver
