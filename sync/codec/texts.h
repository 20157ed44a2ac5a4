// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Limits of texts and values, as both directions need them.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "twin/base/result.h"
#include "twin/model/value.h"

namespace edgetwin::sync {

// Whether `text` is UTF-8 of at most `bytes_max` bytes. `what` names it in the error: "a note".
Status CheckText(std::string_view what, std::string_view text, std::size_t bytes_max);

// `text` as CheckText accepts it, if it was UTF-8.
std::string ForPeople(const std::string& text, std::size_t bytes_max);

// Whether the value is at most kValueBytesMax long.
bool Fits(const model::Value& value);

}  // namespace edgetwin::sync
