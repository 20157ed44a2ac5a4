// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a Modbus RTU line brings while an answer is awaited. The first bytes choose the request; the
// rest came in. Whatever it was: an answer is only what stands there whole, with its checksum.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "drivers/modbus/rtu_frame.h"
#include "twin/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin::driver;  // NOLINT: this file is about nothing else.
  if (size < 3) return 0;
  const int unit = data[0] % 4;
  const auto function = static_cast<std::uint8_t>(1 + data[1] % 4);
  const auto bytes = static_cast<std::uint8_t>(data[2] % 251);
  const std::span<const std::uint8_t> line(data + 3, size - 3);
  const RtuFound found = FindAnswer(line, unit, {{function, bytes}, bytes + std::size_t{2}});
  if (found.state != RtuSearch::kWhole) {
    EDGETWIN_CHECK(found.pdu.empty());
    return 0;
  }
  EDGETWIN_CHECK(found.pdu.size() == 2 || found.pdu.size() == bytes + std::size_t{2});
  EDGETWIN_CHECK((found.pdu[0] & 0x7f) == function);
  const Bytes frame = RtuFrame(unit, found.pdu);
  EDGETWIN_CHECK(std::search(line.begin(), line.end(), frame.begin(), frame.end()) != line.end());
  return 0;
}
