// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/broker_check.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace edgetwin::config {
namespace {

constexpr std::size_t kDeviceIdBytesMax = 64;
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035.

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsNameCharacter(char c) {
  return IsAlphanumeric(c) || c == '.' || c == '-' || c == '_';
}

bool IsAddressCharacter(char c) {
  return IsNameCharacter(c) || c == ':' || c == '%';
}

Error BadUrl(std::string_view url, const std::string& why) {
  return Invalid("broker \"" + std::string(url) + "\": " + why +
                 "; expected mqtt://host[:port] or mqtts://host[:port]");
}

// Takes the host, with brackets around an IPv6 address, from the front of `text`.
bool TakeHost(std::string_view& text) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == text.npos) return false;
  const std::string_view host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  text.remove_prefix(bracketed ? end + 1 : end);
  return !host.empty() && host.size() <= kHostBytesMax &&
         std::ranges::all_of(host, bracketed ? IsAddressCharacter : IsNameCharacter);
}

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

}  // namespace

Status CheckDeviceId(std::string_view id) {
  const bool valid = !id.empty() && id.size() <= kDeviceIdBytesMax &&
                     std::ranges::all_of(id, IsNameCharacter) && id[0] != '.' && id[0] != '-';
  if (valid) return {};
  return Invalid("device id \"" + std::string(id) + "\" is not 1 to " +
                 std::to_string(kDeviceIdBytesMax) +
                 " letters, digits, '.', '_' or '-' that begin with a letter, digit or '_'");
}

Result<bool> BrokerUsesTls(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == url.npos) return BadUrl(url, "no scheme");
  const std::string_view scheme = url.substr(0, scheme_end);
  std::string_view rest = url.substr(scheme_end + 3);
  if (rest.find('@') != rest.npos) {
    // Not shown: it may hold a password.
    return Invalid("a broker URL holds no user name or password; they have settings of their own");
  }
  if (scheme == "ws" || scheme == "wss") {
    return Unsupported("broker \"" + std::string(url) +
                       "\": MQTT over websockets is not supported");
  }
  if (scheme != "mqtt" && scheme != "mqtts") {
    return BadUrl(url, "unknown scheme \"" + std::string(scheme) + "\"");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::string_view authority = rest;
  if (!TakeHost(rest)) return BadUrl(url, "\"" + std::string(authority) + "\" names no host");
  const bool port_fine = rest.empty() || (rest[0] == ':' && IsPort(rest.substr(1)));
  if (!port_fine) return BadUrl(url, "\"" + std::string(rest) + "\" is no port");
  return scheme == "mqtts";
}

}  // namespace edgetwin::config
