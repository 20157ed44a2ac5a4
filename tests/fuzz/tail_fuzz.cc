// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes as a record of the store's tail: it must not crash, and what is accepted must come
// back from EncodeTail as the same batch. The first byte says whether the check at the end is made
// right first: a fuzzer does not find one of its own.

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "twin/base/check.h"
#include "twin/store/tail_codec.h"

using edgetwin::Result;
using edgetwin::model::Batch;
using edgetwin::store::DecodeTail;
using edgetwin::store::EncodeTail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string record(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 8 != 0) {
    const std::uint32_t check = XXH32(record.data(), record.size(), 0);
    for (int i = 0; i < 4; ++i) record.push_back(static_cast<char>(check >> (8 * i) & 0xFF));
  }
  const Result<Batch> batch = DecodeTail(record);
  if (!batch) return 0;
  // Numbers may be written in more than one way; the second time it must be the same bytes.
  const std::string bytes = EncodeTail(*batch, {});
  const Result<Batch> again = DecodeTail(bytes);
  EDGETWIN_CHECK(again.has_value());
  EDGETWIN_CHECK(EncodeTail(*again, {}) == bytes);
  return 0;
}
