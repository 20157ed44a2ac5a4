// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A file that is there whole, or not at all.

#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::cli {

// Writes `bytes` beside `path`, lets `check` look at that file, and gives it its name once it is
// on disk; for its owner only. kConflict when there is a file of that name, unless `replace`.
// kPermission, kExhausted (disk full), kUnavailable, kNotFound (no such folder), and what `check`
// says; nothing is left behind then.
edgetwin::Status WriteNewFile(
    const std::string& path, std::string_view bytes, bool replace,
    const std::function<edgetwin::Status(const std::string& file)>& check);

// What errno says of `doing` something with a file: kPermission, kExhausted (disk full), kNotFound,
// kConflict, else kUnavailable.
Error FileError(const std::string& doing, int number);
// Some file systems, of memory sticks and networks, can't sync a folder; the file itself is on
// disk.
void SyncFolderOf(const std::string& path);

}  // namespace edgetwin::cli
