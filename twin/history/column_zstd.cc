// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/column_zstd.h"

#include <zstd.h>

namespace edgetwin::history {
namespace {

// Blocks are small: higher levels take several times as long for less than a percent.
constexpr int kLevel = 6;

}  // namespace

std::optional<std::string> ZstdPack(std::string_view plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), kLevel);
  if (ZSTD_isError(size)) return {};
  packed.resize(size);
  return packed;
}

bool ZstdUnpack(std::string_view packed, std::string& plain) {
  return ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size()) == plain.size();
}

}  // namespace edgetwin::history
