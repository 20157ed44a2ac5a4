// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "agent/api/json.h"
#include "agent/config/file_or_credential.h"
#include "agent/config/file_text.h"
#include "twin/http/uri.h"

namespace edgetwin::doctor {
namespace {

constexpr std::size_t kSecretBytesMin = 4;
constexpr std::string_view kCredentials = "/run/credentials/edgetwind.service/";
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::array<std::string_view, 14> kSecretWords = {
    "password", "passwd",        "passphrase", "passwort", "secret",     "token",   "community",
    "psk",      "authorization", "cookie",     "api_key",  "privatekey", "api-key", "apikey"};

char Lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool IsNameChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// What it says is where the secret is.
bool NamesPlace(std::string_view name) {
  return name.ends_with("_file") || name.ends_with("_credential");
}

void ReplaceAll(std::string& text, const std::string& what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;) {
    text.replace(at, what.size(), kRemoved);
    at += kRemoved.size();
  }
}

void RemovePrivateKeys(std::string& text) {
  for (std::size_t at = 0; (at = text.find(kBegin, at)) != std::string::npos;) {
    const std::size_t label_end = text.find("-----", at + kBegin.size());
    if (label_end == std::string::npos) return;
    const std::string label = text.substr(at + kBegin.size(), label_end - at - kBegin.size());
    if (label.find("PRIVATE KEY") == std::string::npos) {
      at = label_end;
      continue;
    }
    const std::size_t last = text.find(kEnd, label_end);
    std::size_t end = last == std::string::npos ? last : text.find("-----", last + kEnd.size());
    end = end == std::string::npos ? text.size() : end + 5;
    text.replace(at, end - at, kRemoved);
    at += kRemoved.size();
  }
}

// "scheme://user:password@host": RFC 3986, userinfo.
void RemoveUserinfo(std::string& text) {
  for (std::size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
    at += 3;
    const std::size_t end = std::min(text.find_first_of("/?# \t\r\n\"'<>`", at), text.size());
    const std::size_t host = text.rfind('@', end);
    if (host == std::string::npos || host < at || host >= end) continue;
    text.replace(at, host - at, kRemoved);
    at += kRemoved.size();
  }
}

std::string LowerCased(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), Lower);
  return lower;
}

// A header whose value has words: "Authorization: Bearer x".
bool TakesTheLine(std::string_view name) {
  const std::string lower = LowerCased(name);
  return lower.ends_with("authorization") || lower.ends_with("cookie");
}

// Where the value behind a name ends, that begins at `at`.
std::size_t ValueEnd(std::string_view text, std::size_t at, bool whole_line) {
  const char quote = text[at];
  if (quote == '"' || quote == '\'') {
    for (const std::string_view triple : {R"(""")", "'''"}) {
      if (!text.substr(at).starts_with(triple)) continue;
      const std::size_t end = text.find(triple, at + 3);
      return end == std::string_view::npos ? text.size() : end + 3;
    }
    for (std::size_t i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == quote)
        return i + 1;
    }
  }
  const std::string_view ends = whole_line ? "\n" : " \t\r\n,;&\"'";
  return std::min(text.find_first_of(ends, at), text.size());
}

// "password = x", "--token x", "Authorization: Bearer x", "\"community\": \"x\"".
std::string RemoveNamed(std::string_view text) {
  std::string clean;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!IsNameChar(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && IsNameChar(text[at])) ++at;
    const std::string_view name = text.substr(begin, at - begin);
    if (!NamesSecret(name)) continue;
    std::size_t value = at;
    bool assigned = false;
    while (value < text.size()) {
      const char c = text[value];
      const bool assigns = !assigned && (c == '=' || c == ':');
      const bool quotes_name = !assigned && (c == '"' || c == '\'');
      if (!assigns && !quotes_name && c != ' ' && c != '\t' && (assigned || c != ',')) break;
      assigned = assigned || assigns;
      ++value;
    }
    if (value >= text.size() || text[value] == '\n' || (!assigned && !name.starts_with('-'))) {
      continue;
    }
    // An option's argument in a list, whose opening quote was passed over.
    if (!assigned && text[value - 1] == '"') --value;
    const std::size_t end = ValueEnd(text, value, TakesTheLine(name));
    clean.append(text, copied, value - copied).append(kRemoved);
    copied = at = end;
  }
  return clean.append(text, copied);
}

}  // namespace

bool NamesSecret(std::string_view name) {
  const std::string lower = LowerCased(name);
  if (NamesPlace(lower)) return false;
  return std::ranges::any_of(kSecretWords, [&lower](std::string_view word) {
    return lower.find(word) != std::string::npos;
  });
}

void Redactor::Add(const std::string& secret) {
  if (secret.size() < kSecretBytesMin) return;
  secrets_.insert(secret);
  const std::string quoted =
      api::Json(secret).dump(-1, ' ', false, api::Json::error_handler_t::replace);
  secrets_.insert(quoted.substr(1, quoted.size() - 2));
  secrets_.insert(http::PercentEncode(secret, ""));
}

void Redactor::LearnFile(const std::string& path) {
  const auto text = config::ReadFileText(path, config::kSecretBytesMax);
  // A key in PEM is known by its looks.
  if (!text || text->find(kBegin) != std::string::npos) return;
  Add(text->substr(0, text->find_last_not_of("\r\n") + 1));
}

void Redactor::Learn(const ConfigNode& root, const std::string& directory) {
  if (const ConfigNode::Array* array = root.array()) {
    for (const ConfigNode& item : *array) Learn(item, directory);
  }
  const ConfigNode::Table* table = root.table();
  if (table == nullptr) return;
  for (const auto& [key, node] : *table) {
    Learn(node, directory);
    const auto* text = std::get_if<std::string>(&node.value);
    if (text == nullptr) continue;
    if (NamesSecret(key)) Add(*text);
    const bool open = key.starts_with("ca_") || key.starts_with("cert");  // Certificates.
    if (key.ends_with("_file") && !open) LearnFile(config::ResolvePath(directory, *text));
    if (key.ends_with("_credential")) LearnFile(std::string(kCredentials) + *text);
  }
}

std::string Redactor::Clean(std::string_view text) const {
  std::string clean(text);
  RemovePrivateKeys(clean);
  for (const std::string& secret : secrets_) ReplaceAll(clean, secret);
  RemoveUserinfo(clean);
  return clean;
}

std::string Redactor::CleanForeign(std::string_view text) const {
  return Clean(RemoveNamed(text));
}

}  // namespace edgetwin::doctor
