// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// An http instance's options. README.md describes each.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/http/url.h"
#include "drivers/sdk/driver.h"
#include "drivers/sdk/extract/extraction.h"
#include "drivers/sdk/secret.h"

namespace edgetwin::http_driver {

inline constexpr std::size_t kRequestsMax = 100;      // An instance.
inline constexpr std::size_t kPropertiesMax = 1'000;  // An instance.

struct AuthOptions {
  enum class Type { kNone, kBasic, kDigest, kBearer, kHeader, kUrl };
  Type type = Type::kNone;
  std::string user;    // Basic and digest.
  std::string header;  // Header: its name.
  driver::SecretPlace
      secret;  // The password, the token, the header's value, what replaces kSecretMark.
};
inline constexpr std::string_view kSecretMark = "{secret}";  // In a URL, once.

struct TlsOptions {
  std::string ca_file;  // PEM; empty: the system's.
  std::string cert_file;
  driver::SecretPlace key;
  bool verify = true;
};

// One message to a server, but for what changes from time to time.
struct MessageOptions {
  std::string method = "GET";
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  AuthOptions auth;
  TlsOptions tls;
};

struct WriteOptions {
  MessageOptions message;  // The body holds kValueMark.
  std::chrono::milliseconds timeout{10'000};
};
inline constexpr std::string_view kValueMark = "{value}";

struct PropertyOptions {
  std::string name;
  model::PropertyDef def;
  std::optional<std::size_t> request;  // Index into HttpOptions::requests; none: write-only.
  extract::Place place;                // In the request's answer.
  extract::Conversion conversion;
  std::optional<WriteOptions> write;
};

struct RequestOptions {
  std::string name;
  MessageOptions message;
  std::chrono::milliseconds period{10'000};
  std::chrono::milliseconds timeout{10'000};
  std::size_t body_bytes_max = 1 << 20;
  int redirects_max = 3;
};

struct HttpOptions {
  int breaker_failures = 3;
  std::chrono::milliseconds breaker_max{60'000};
  std::vector<RequestOptions> requests;
  std::vector<PropertyOptions> properties;
};

// Every problem goes to `config.problems()`.
HttpOptions ReadHttpOptions(ConfigReader& config);

}  // namespace edgetwin::http_driver
