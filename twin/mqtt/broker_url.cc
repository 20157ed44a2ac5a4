// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/broker_url.h"

#include <algorithm>
#include <charconv>

namespace edgetwin::mqtt {
namespace {

Error BadUrl(std::string_view url, std::string_view why) {
  return Invalid("broker \"" + std::string(url) + "\": " + std::string(why) +
                 "; expected mqtt://host[:port] or mqtts://host[:port]");
}

// "host", "host:port", "[v6]" or "[v6]:port", split into its parts; no port: 0 stays.
struct Authority {
  std::string_view host;
  std::string_view port;
  bool bracketed = false;
};

Authority Split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') return {};
    return {text.substr(1, end - 1), rest, true};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon)};
}

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool IsAddressCharacter(char c) {
  return IsHostCharacter(c) || c == ':' || c == '%';
}

}  // namespace

Result<BrokerUrl> ParseBrokerUrl(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return BadUrl(url, "no scheme");
  const std::string_view scheme = url.substr(0, scheme_end);
  std::string_view rest = url.substr(scheme_end + 3);
  if (scheme == "ws" || scheme == "wss") {
    return Unsupported("broker \"" + std::string(url) +
                       "\": MQTT over websockets is not supported");
  }
  if (scheme != "mqtt" && scheme != "mqtts") {
    return BadUrl(url, "unknown scheme \"" + std::string(scheme) + "\"");
  }
  if (rest.find('@') != std::string_view::npos) {
    // Not shown: it may hold a password.
    return Invalid("a broker URL holds no user name or password; they have settings of their own");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const Authority authority = Split(rest);
  const bool host_fine =
      !authority.host.empty() && authority.host.size() <= 253 &&
      std::ranges::all_of(authority.host,
                          authority.bracketed ? IsAddressCharacter : IsHostCharacter);
  if (!host_fine) return BadUrl(url, "\"" + std::string(rest) + "\" names no host");
  BrokerUrl result;
  result.tls = scheme == "mqtts";
  result.port = result.tls ? 8883 : 1883;
  result.host = authority.host;
  result.text = url;
  if (!authority.port.empty()) {
    const std::string_view digits = authority.port.substr(1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
    if (error != std::errc() || end != digits.data() + digits.size() || result.port == 0) {
      return BadUrl(url, "\"" + std::string(digits) + "\" is no port");
    }
  }
  return result;
}

}  // namespace edgetwin::mqtt
