// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Addresses of http and https, and of nothing else.

#pragma once

#include <cstddef>
#include <string>

#include "twin/base/result.h"

namespace edgetwin::http_driver {

inline constexpr std::size_t kUrlBytesMax = 2'048;

struct Url {
  std::string text;    // As it is asked for, without a fragment.
  std::string origin;  // "https://host:443": what is polled and waited for as one host.
  std::string host;
  std::string path;   // "/api/state", without the query.
  std::string shown;  // For people: without the query, which may hold a key.
  bool secure = false;

  friend bool operator==(const Url&, const Url&) = default;
};

// kInvalid for what isn't absolute, has another scheme, or holds a user or a password.
Result<Url> ParseUrl(const std::string& text);

}  // namespace edgetwin::http_driver
