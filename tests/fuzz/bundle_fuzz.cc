// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes as a row of history.db, with a checksum that is right for what it takes for its
// head: what comes out must lie within the row, and make the same bundle again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "twin/base/check.h"
#include "twin/history/crc32.h"
#include "twin/history/store/bundle.h"

namespace {

using edgetwin::history::Bundle;
using edgetwin::history::Bundled;
using edgetwin::history::Crc32;
using edgetwin::history::Unbundle;
using edgetwin::history::Unpack;

void Try(const std::string& packed) {
  std::string plain;
  const auto bytes = Unpack(packed, plain);
  if (!bytes) return;
  EDGETWIN_CHECK(bytes->size() <= packed.size() * 64);
  const Bundled row{5, 20, 980, *bytes};
  const auto blocks = Unbundle(row);
  if (!blocks) return;
  for (const Bundled& block : *blocks) {
    EDGETWIN_CHECK(block.bytes.data() >= bytes->data() &&
                   block.bytes.data() + block.bytes.size() <= bytes->data() + bytes->size());
  }
  if (blocks->size() == 1) return;  // One alone has no head when it is written.
  const std::string again = Bundle(*blocks);
  std::string plain_again;
  const auto unpacked = Unpack(again, plain_again);
  EDGETWIN_CHECK(unpacked.has_value());
  const auto same = Unbundle({row.path, row.after_ms, row.before_ms, *unpacked});
  EDGETWIN_CHECK(same.has_value() && *same == *blocks);
}

}  // namespace

// The first byte says how long the head is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Try(bytes);
  const std::size_t head = data[0];
  if (head + 4 > bytes.size()) return 0;
  const std::uint32_t checksum = Crc32(std::string_view(bytes).substr(0, head));
  for (unsigned i = 0; i < 4; ++i) bytes[head + i] = static_cast<char>(checksum >> 8 * i);
  Try(bytes);
  return 0;
}
