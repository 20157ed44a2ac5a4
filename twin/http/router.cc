// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/router.h"

#include <algorithm>

#include "twin/base/check.h"
#include "twin/http/uri.h"

namespace edgetwin::http {
namespace {

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> out;
  EDGETWIN_CHECK(!path.empty() && path.front() == '/');
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    out.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

void Router::Add(std::string method, std::string pattern, Server::Handler handler) {
  Route route{std::move(method), Split(pattern), std::min(pattern.find('{'), pattern.size()),
              std::move(handler)};
  const auto place = std::find_if(routes_.begin(), routes_.end(), [&](const Route& other) {
    return other.literal_bytes < route.literal_bytes;
  });
  routes_.insert(place, std::move(route));
}

bool Router::Fits(const Route& route, std::string_view raw_path, std::vector<std::string>& parts) {
  if (raw_path.empty() || raw_path.front() != '/') return false;
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    if (raw_path.empty()) return false;
    raw_path.remove_prefix(1);
    const std::string& wanted = route.segments[i];
    const std::size_t end =
        wanted == "{*}" ? raw_path.size() : std::min(raw_path.find('/'), raw_path.size());
    std::string segment = PercentDecode(raw_path.substr(0, end)).value_or("");
    raw_path.remove_prefix(end);
    if (wanted != "{}" && wanted != "{*}") {
      if (segment != wanted) return false;
    } else if (segment.empty()) {
      return false;
    } else {
      parts.push_back(std::move(segment));
    }
  }
  return raw_path.empty();
}

Router::Match Router::Find(std::string_view method, std::string_view raw_path) const {
  const std::string_view sought = method == "HEAD" ? "GET" : method;
  Match match;
  for (const Route& route : routes_) {
    std::vector<std::string> parts;
    if (!Fits(route, raw_path, parts)) continue;
    if (route.method == sought) {
      match.handler = &route.handler;
      match.parts = std::move(parts);
      return match;
    }
    match.allowed.insert(route.method);
    if (route.method == "GET") match.allowed.insert("HEAD");
  }
  return match;
}

}  // namespace edgetwin::http
