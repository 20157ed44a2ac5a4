// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which handler answers a path.

#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "twin/http/http_server.h"

namespace edgetwin::http {

class Router {
 public:
  struct Match {
    const Server::Handler* handler = nullptr;  // Null: nothing fits.
    std::vector<std::string> parts;
    std::set<std::string> allowed;  // Without a handler: the methods that the path knows.
  };

  void Add(std::string method, std::string pattern, Server::Handler handler);
  // `raw_path` must have been decoded without error before. HEAD finds GET's handler.
  Match Find(std::string_view method, std::string_view raw_path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;  // "{}" and, as the last one only, "{*}" are captures.
    std::size_t literal_bytes = 0;      // Before the first capture.
    Server::Handler handler;
  };

  static bool Fits(const Route& route, std::string_view raw_path, std::vector<std::string>& parts);

  std::vector<Route> routes_;  // Longest literal beginning first.
};

}  // namespace edgetwin::http
