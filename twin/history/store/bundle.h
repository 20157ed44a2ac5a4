// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a row of the table of blocks holds: one block as it is, or several of a commit, of one or
// more paths, behind a head that says whose they are, and packed where that is shorter. Short rows
// leave a good part of their pages unused, and blocks of what was read at once have the same times.
// docs/HISTORY.md, "The file", has the bytes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"

namespace edgetwin::history {

// How far a row is filled with a further block. Bytes a sample of file and flash, and what reading
// one path costs: docs/HISTORY.md.
inline constexpr std::size_t kBundleBytesMax = 16'384;
// Of how many hours its blocks are at most, summed up: an eviction has aggregates of all of them in
// memory.
inline constexpr std::int64_t kBundleHoursMax = 512;
// What a block takes in a bundle beside its bytes, mostly at most.
inline constexpr std::size_t kBundledHead = 8;

struct Bundled {
  PathId path = 0;
  std::uint64_t after_ms = 0;  // As in schema_4.sql, modulo 2^64.
  std::uint64_t before_ms = 0;
  std::string_view bytes;  // One block.
  friend bool operator==(const Bundled&, const Bundled&) = default;
};

// A row's bytes for these, at least one, of ascending paths. One alone is as it is.
std::string Bundle(std::span<const Bundled> blocks);

// What of it is packed, unpacked: what Unbundle reads. Nothing when that can't be done; the same
// bytes when they aren't packed, kept in `unpacked` otherwise. Of hostile bytes, too; it takes at
// most 64 times as many.
std::optional<std::string_view> Unpack(std::string_view bytes, std::string& unpacked);
// `row` is what the row's columns say of its first block, and its bytes, unpacked. kCorrupt for
// what isn't a bundle as it was written. Of hostile bytes, too; it takes no more than 40 bytes for
// each of them.
Result<std::vector<Bundled>> Unbundle(const Bundled& row);

}  // namespace edgetwin::history
