// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A database's content as its next opener would find it, read without writing anything.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::store {

// What a twin's store can come to with every property used; past it the file isn't one.
inline constexpr std::uint64_t kImageBytesMax = 1u << 30;

// The database file with what its WAL has committed laid over it, for Database::FromImage. Opening
// such a pair with SQLite can't be had without writing: it makes a -wal, copies it back on closing,
// and on a medium or in a folder that can't be written it doesn't open at all. A copy in a
// temporary folder would want space where perhaps none is left. So the WAL is read here, by its
// documented format (sqlite.org/fileformat2.html, 4).
//
// Holds SQLite's shared lock meanwhile: kConflict when a store has the file open. kNotFound,
// kPermission, kUnavailable (I/O error); kCorrupt when it can't be a database at all. `vfs`:
// SQLite's file layer by name, empty for the default.
Result<std::string> ReadImage(const std::string& path, const std::string& vfs);

// Marks the image as one of a database without a WAL.
void WithoutWal(std::string& image);

// Lays the committed frames of `wal` over `image`, up to the first that is torn or left over from
// before: exactly those that SQLite recovers.
void ReplayWal(std::string_view wal, std::string& image);

}  // namespace edgetwin::store
