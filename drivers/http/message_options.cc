// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/http/message_options.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace edgetwin::http_driver {
namespace {

using extract::Shown;

constexpr std::size_t kHeadersMax = 50;
constexpr std::size_t kHeaderBytesMax = 4'096;
constexpr std::size_t kRequestBodyBytesMax = 64 << 10;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// RFC 9110, 5.6.2.
bool IsToken(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool HasControl(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

// Empty when a header of that name may be set by hand.
std::string WhyNot(const std::string& name) {
  static constexpr std::array<std::string_view, 7> kOwn = {
      "connection", "content-length",   "expect", "if-none-match", "if-modified-since",
      "te",         "transfer-encoding"};
  const std::string lower = Lower(name);
  if (lower == "authorization") return "is set by 'auth', which keeps secrets in files";
  if (std::find(kOwn.begin(), kOwn.end(), lower) != kOwn.end()) return "is set by the driver";
  return {};
}

void ReadHeaders(ConfigReader& config, MessageOptions& message) {
  const ConfigNode* node = config.Raw("headers");
  if (node == nullptr) return;
  if (node->table() == nullptr) {
    return config.Problem("headers", "must be a table, not " + std::string(node->TypeName()));
  }
  if (node->table()->size() > kHeadersMax) {
    config.Problem("headers", "there are more than " + std::to_string(kHeadersMax));
  }
  for (const auto& [name, value] : *node->table()) {
    const auto* text = std::get_if<std::string>(&value.value);
    if (!IsToken(name)) {
      config.Problem("headers", Shown(name) + " can't be a header's name");
    } else if (const std::string why = WhyNot(name); !why.empty()) {
      config.Problem("headers", "'" + name + "' " + why);
    } else if (text == nullptr || HasControl(*text) || text->size() > kHeaderBytesMax) {
      config.Problem("headers", "'" + name + "' must be a string of one line and at most " +
                                    std::to_string(kHeaderBytesMax) + " bytes");
    } else {
      message.headers.emplace_back(name, *text);
    }
  }
}

void ReadAuth(ConfigReader& config, AuthOptions& auth) {
  using Type = AuthOptions::Type;
  auth = AuthOptions();
  config.Require("type");
  auth.type = config.Choice<Type>("type", Type::kNone,
                                  {{"none", Type::kNone},
                                   {"basic", Type::kBasic},
                                   {"digest", Type::kDigest},
                                   {"bearer", Type::kBearer},
                                   {"header", Type::kHeader},
                                   {"url", Type::kUrl}});
  std::string secret = "password";
  if (auth.type == Type::kBasic || auth.type == Type::kDigest) {
    config.Require("user");
    auth.user = config.String("user", {});
    // RFC 7617, 2: what stands before the first colon is the user.
    if (HasControl(auth.user) ||
        (auth.type == Type::kBasic && auth.user.find(':') != auth.user.npos)) {
      config.Problem("user", Shown(auth.user) + " can't be a user's name");
    }
  } else if (auth.type == Type::kBearer) {
    secret = "token";
  } else if (auth.type == Type::kHeader) {
    secret = "value";
    config.Require("header");
    auth.header = config.String("header", {});
    if (config.Has("header") && !IsToken(auth.header)) {
      config.Problem("header", Shown(auth.header) + " can't be a header's name");
    } else if (const std::string why = WhyNot(auth.header);
               !why.empty() && Lower(auth.header) != "authorization") {
      config.Problem("header", "'" + auth.header + "' " + why);
    }
  } else if (auth.type == Type::kUrl) {
    secret = "secret";
  } else {
    return config.Finish();
  }
  auth.secret = driver::ReadSecretPlace(config, secret);
  if (auth.secret.empty()) {
    config.Problem({}, "needs " + secret + "_file or " + secret + "_credential");
  }
  config.Finish();
}

void ReadTls(ConfigReader& config, TlsOptions& tls) {
  tls = TlsOptions();
  tls.verify = config.Bool("verify", tls.verify);
  tls.ca_file = driver::ReadFilePath(config, "ca_file");
  tls.cert_file = driver::ReadFilePath(config, "cert_file");
  tls.key = driver::ReadSecretPlace(config, "key");
  if (tls.cert_file.empty() != tls.key.empty()) {
    config.Problem({}, tls.key.empty() ? "cert_file needs key_file or key_credential"
                                       : "a key needs cert_file");
  }
  if (!tls.verify && !tls.ca_file.empty()) {
    config.Problem("verify", "false makes ca_file pointless");
  }
  config.Finish();
}

void CheckSecretMark(ConfigReader& config, const MessageOptions& message) {
  const std::string& url = message.url.text;
  const std::size_t at = url.find(kSecretMark);
  if (message.auth.type == AuthOptions::Type::kUrl) {
    if (!url.empty() && (at == url.npos || url.find(kSecretMark, at + 1) != url.npos)) {
      config.Problem("url", "must hold {secret} once, for auth of type \"url\"");
    }
  } else if (at != url.npos) {
    config.Problem("url", "holds {secret}, which is for auth of type \"url\"");
  }
}

}  // namespace

void ReadSecurity(ConfigReader& config, AuthOptions& auth, TlsOptions& tls) {
  if (auto table = config.Table("auth")) ReadAuth(*table, auth);
  if (auto table = config.Table("tls")) ReadTls(*table, tls);
}

MessageOptions ReadMessage(ConfigReader& config, const std::vector<std::string>& methods,
                           const AuthOptions& auth, const TlsOptions& tls) {
  MessageOptions message;
  message.auth = auth;
  message.tls = tls;
  if (config.Require("url")) {
    Result<Url> url = ParseUrl(config.String("url", {}));
    if (url) {
      message.url = *std::move(url);
    } else {
      config.Problem("url", url.error().text);
    }
  }
  std::vector<std::pair<std::string, std::string>> choices;
  choices.reserve(methods.size());
  for (const std::string& method : methods) choices.emplace_back(method, method);
  message.method = config.Choice<std::string>("method", methods.front(), choices);
  ReadHeaders(config, message);
  message.body = config.String("body", {});
  if (message.body.size() > kRequestBodyBytesMax) {
    config.Problem("body", "is longer than " + std::to_string(kRequestBodyBytesMax) + " bytes");
  }
  if (message.method == "GET" && config.Has("body")) {
    config.Problem("body", "a GET has none; say method = \"POST\"");
  }
  const bool typed = std::any_of(message.headers.begin(), message.headers.end(),
                                 [](const auto& h) { return Lower(h.first) == "content-type"; });
  if (!message.body.empty() && !typed) {
    message.headers.emplace_back("Content-Type", "application/json");
  }
  ReadSecurity(config, message.auth, message.tls);
  CheckSecretMark(config, message);
  return message;
}

}  // namespace edgetwin::http_driver
