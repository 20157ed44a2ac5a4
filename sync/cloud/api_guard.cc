// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/api_guard.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace edgetwin::cloud {
namespace {

constexpr std::size_t kTokenBytesMin = 16;
constexpr std::size_t kTokenBytesMax = 1'024;

// "[::1]:8080" → "[::1]", "localhost:80" → "localhost".
std::string_view HostName(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  if (bracket != std::string_view::npos && colon < bracket) return host;
  return host.substr(0, colon);
}

bool IsOwnName(std::string_view host) {
  const std::string_view name = HostName(host);
  return name == "localhost" || name == "[::1]" || IsLoopback(name);
}

// A browser says which page asks; everything else sends none of these.
bool IsForeignPage(const http::Request& request) {
  const std::string_view site = request.Header("sec-fetch-site");
  if (site == "cross-site" || site == "same-site") return true;
  const std::string_view origin = request.Header("origin");
  if (origin.empty()) return false;
  const std::string host(request.Header("host"));
  return origin != "http://" + host && origin != "https://" + host;
}

}  // namespace

bool IsLoopback(std::string_view address) {
  return address == "::1" || (address.starts_with("127.") &&
                              address.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool SameSecret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto expected = static_cast<unsigned char>(secret[i % secret.size()]);
    difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^ expected);
  }
  return difference == 0;
}

std::optional<http::Response> ApiGuard::Check(const http::Request& request) const {
  if (request.path == "/healthz") return std::nullopt;
  if (IsForeignPage(request)) {
    return http::Problem(403, "Forbidden", "requests from other sites' pages are refused");
  }
  if (token_.empty()) {
    if (IsOwnName(request.Header("host"))) return std::nullopt;
    return http::Problem(421, "Misdirected Request",
                         "without a token file this server answers to localhost only");
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = request.Header("authorization");
  if (given.starts_with(kScheme) && SameSecret(given.substr(kScheme.size()), token_)) {
    return std::nullopt;
  }
  http::Response refusal =
      http::Problem(401, "Unauthorized",
                    given.empty() ? "a bearer token is needed" : "the bearer token is not this one's");
  refusal.headers.emplace_back("WWW-Authenticate",
                               given.empty() ? "Bearer realm=\"edgetwin-cloud\""
                                             : "Bearer realm=\"edgetwin-cloud\", "
                                               "error=\"invalid_token\"");
  return refusal;
}

Result<std::string> ReadTokenFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return NotFound(path + ": " + std::strerror(errno));
  if ((info.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return MakeError(ErrorCode::kPermission, path + " can be read by everybody; chmod o-rw it");
  }
  std::ifstream file(path);
  std::string token;
  std::getline(file, token);
  if (!token.empty() && token.back() == '\r') token.pop_back();
  const bool clean = std::all_of(token.begin(), token.end(),
                                 [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax || !clean) {
    return Invalid("the first line of " + path + " is not a token: 16 to 1024 visible ASCII "
                   "characters without spaces (try: openssl rand -hex 32)");
  }
  return token;
}

}  // namespace edgetwin::cloud
