// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/listen_address.h"

#include <arpa/inet.h>

#include <charconv>

namespace edgetwin::http {

Result<std::pair<std::string, std::uint16_t>> ParseListen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string::npos) {
    return Invalid("an IPv6 address stands in brackets, as in [::1]:8080; not '" + text + "'");
  }
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const char* digits = colon == std::string::npos ? end : text.data() + colon + 1;
  const auto [stop, error] = std::from_chars(digits, end, port);
  if (address.empty() || digits == end || error != std::errc() || stop != end) {
    return Invalid("where to listen is ADDRESS:PORT, as in 127.0.0.1:8080; not '" + text + "'");
  }
  return std::pair(std::move(address), port);
}

bool IsLoopback(const std::string& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace edgetwin::http
