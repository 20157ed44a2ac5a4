// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Who may talk to the API at all. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "twin/base/result.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

// Without a token anybody on this machine may read and write, but no web page: a browser sends what a page asks for
// to loopback addresses too, and a page can make its own host name point there (DNS rebinding).
class ApiGuard {
 public:
  // `token` empty: none is asked for.
  explicit ApiGuard(std::string token) : token_(std::move(token)) {}

  // 401 without the token, 403 for a request that another site's page made, 421 for a host name that isn't this
  // machine's own. /healthz is open to all.
  std::optional<http::Response> Check(const http::Request& request) const;

 private:
  std::string token_;
};

// The first line of the file. kPermission when others may read it, kInvalid when it is shorter than 16 bytes or
// can't stand in a header.
Result<std::string> ReadTokenFile(const std::string& path);

bool IsLoopback(std::string_view address);

// In a time that doesn't tell how much of it was right.
bool SameSecret(std::string_view given, std::string_view secret);

}  // namespace edgetwin::cloud
