// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One block of history: samples of one property that follow each other, in the fewest bytes found.
// The same bytes go to flash and to the wire. docs/HISTORY_FORMAT.md has every bit of them.
//
// What comes out is what went in, to the bit: NaNs with their payloads, -0.0, infinities, any
// integer, time stamps in any order, and values of several types in one block. A block refers to no
// other. Thread-safe: nothing is kept between calls.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"
#include "twin/model/row.h"

namespace edgetwin::history {

inline constexpr std::size_t kBlockSamplesMax = 64 << 10;
inline constexpr std::size_t kBlockTextBytesMax = 4 << 20;  // Texts and byte strings, together.

// A sample's ordinal is its number among its property's samples. Those of a block follow each other
// without a gap.
struct Block {
  std::uint64_t first_ordinal = 0;
  std::vector<model::Sample> samples;
};

// kInvalid for no samples, and for a value that no twin may hold (model::Holdable); kExhausted for
// more than the limits above.
Result<std::string> EncodeBlock(std::span<const model::Sample> samples,
                                std::uint64_t first_ordinal = 0);

struct DecodeLimits {
  std::size_t samples_max = kBlockSamplesMax;
  std::size_t text_bytes_max = kBlockTextBytesMax;
};

// Of hostile bytes, too. kCorrupt with the reason for what isn't exactly one block, kUnsupported
// for a format of a later version, kExhausted when it says that it has more samples than the limit.
// Takes at most about 150 bytes of memory for each sample and text_bytes_max three times over.
Result<Block> DecodeBlock(std::string_view bytes, const DecodeLimits& limits = {});

struct BlockHeader {
  std::uint64_t first_ordinal = 0;
  std::size_t count = 0;
  friend bool operator==(const BlockHeader&, const BlockHeader&) = default;
};

// What a block says of itself, after its checksum was found right; its samples may still not be
// decodable. Errors as DecodeBlock, without a limit for samples.
Result<BlockHeader> ReadBlockHeader(std::string_view bytes);

}  // namespace edgetwin::history
