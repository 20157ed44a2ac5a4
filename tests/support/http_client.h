// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// HTTP requests as a user of the APIs makes them.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace edgetwin::tests {

struct HttpAnswer {
  int status = 0;  // 0: nobody answered.
  std::string body;
  std::string etag;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;          // "http://127.0.0.1:8080/healthz".
  std::string unix_socket;  // Asked instead of the URL's host.
  std::string body;
  std::vector<std::string> headers;  // "If-Match: \"5\"".
  long timeout_ms = 5'000;
};

HttpAnswer Ask(const HttpRequest& request);

}  // namespace edgetwin::tests
