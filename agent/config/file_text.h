// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Small files, read whole.

#pragma once

#include <cstddef>
#include <string>

#include "twin/base/result.h"

namespace edgetwin::config {

// The bytes of a regular file. Never blocks on what isn't one (a pipe, a device). kNotFound,
// kPermission, kExhausted above `bytes_max`, kInvalid for a directory and the like, kUnavailable
// when reading fails; the text reads on from the file's name: "can't be opened: No such file or
// directory".
Result<std::string> ReadFileText(const std::string& path, std::size_t bytes_max);

}  // namespace edgetwin::config
