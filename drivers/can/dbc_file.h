// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A DBC file's text from disk.

#pragma once

#include <string>

#include "twin/base/result.h"

namespace edgetwin::can {

// Never waits: what is no regular file, or longer than kDbcBytesMax, is refused. Errors name the
// file.
Result<std::string> ReadDbc(const std::string& path);

}  // namespace edgetwin::can
