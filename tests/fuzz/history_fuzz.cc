// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes into DecodeBlock, with a checksum that is right, since otherwise nothing would come
// further than that: it must not crash, must stay within its limits, and what it accepts must come
// back from EncodeBlock as it was.

#include <cstddef>
#include <cstdint>
#include <string>

#include "twin/base/check.h"
#include "twin/history/block.h"
#include "twin/history/crc32.h"
#include "twin/history/testing/series.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin::history;  // NOLINT: a function of one screen
  std::string bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(DecodeBlock(bytes));
  if (size < 4) return 0;
  bytes.resize(size - 4);
  const std::uint32_t checksum = Crc32(bytes);
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(checksum >> 8 * i);
  const DecodeLimits limits = {.samples_max = 2'000, .text_bytes_max = 1 << 20};
  const auto block = DecodeBlock(bytes, limits);
  if (!block) return 0;
  EDGETWIN_CHECK(block->samples.size() <= limits.samples_max);
  const auto again = EncodeBlock(block->samples, block->first_ordinal);
  EDGETWIN_CHECK(again.has_value());
  const auto same = DecodeBlock(*again);
  EDGETWIN_CHECK(same.has_value());
  EDGETWIN_CHECK(same->first_ordinal == block->first_ordinal);
  EDGETWIN_CHECK(Difference(block->samples, same->samples).empty());
  return 0;
}
