// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/endpoint.h"

#include <algorithm>
#include <charconv>

namespace edgetwin::driver {
namespace {

constexpr std::size_t kHostBytesMax = 253;  // RFC 1035, 2.3.4, as text.

bool IsHostCharacter(char c, bool v6) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || (v6 && (c == ':' || c == '%'));
}

}  // namespace

std::string Endpoint::ToString() const {
  const bool v6 = host.find(':') != host.npos;
  return "tcp://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  const std::string quoted = "'" + std::string(text) + "'";
  constexpr std::string_view kScheme = "tcp://";
  if (!text.starts_with(kScheme)) {
    return Invalid(quoted + " is no endpoint: write \"tcp://host:port\"");
  }
  text.remove_prefix(kScheme.size());
  Endpoint endpoint;
  const bool v6 = text.starts_with('[');
  const std::size_t close = text.find(']');
  if (v6 && close == text.npos) return Invalid(quoted + " has no ']' after its address");
  const std::size_t host_end = v6 ? close + 1 : std::min(text.find(':'), text.size());
  const std::string_view host = v6 ? text.substr(1, close - 1) : text.substr(0, host_end);
  if (host.empty()) return Invalid(quoted + " names no host");
  if (host.size() > kHostBytesMax ||
      !std::all_of(host.begin(), host.end(), [v6](char c) { return IsHostCharacter(c, v6); })) {
    return Invalid("'" + std::string(host) + "' in " + quoted + " is no host name or address");
  }
  endpoint.host = host;
  std::string_view rest = text.substr(host_end);
  if (rest.empty()) return endpoint;
  rest.remove_prefix(rest.front() == ':' ? 1 : 0);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), endpoint.port);
  if (error != std::errc() || end != rest.data() + rest.size() || endpoint.port == 0) {
    return Invalid("'" + std::string(rest) + "' in " + quoted + " is no port: 1 to 65535");
  }
  return endpoint;
}

}  // namespace edgetwin::driver
