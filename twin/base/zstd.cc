// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/zstd.h"

#include <zstd.h>

namespace edgetwin {

std::optional<std::string> ZstdPack(std::string_view plain, int level) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), level);
  if (ZSTD_isError(size)) return {};
  packed.resize(size);
  return packed;
}

bool ZstdUnpack(std::string_view packed, std::string& plain) {
  return ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size()) == plain.size();
}

}  // namespace edgetwin
