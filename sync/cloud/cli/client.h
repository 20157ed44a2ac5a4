// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Asks a running edgetwin-cloud through its HTTP API. Blocking.

#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

namespace edgetwin::cloudcli {

using Json = nlohmann::json;

// How a command ends. 64 and 69 are sysexits.h's, as the service's own; the others are those of
// `edgetwin`. Scripts rely on these: --help and the man page name them.
enum class Exit {
  kOk = 0,
  kProblems = 1,
  kNotFound = 3,
  kRefused = 4,
  kPermission = 5,
  kUsage = 64,
  kUnreachable = 69,
};

struct Failure {
  Exit exit = Exit::kProblems;
  std::string text;  // For people.
  long status = 0;   // HTTP's, when there was an answer.
};

template <class T>
using Outcome = tl::expected<T, Failure>;

inline tl::unexpected<Failure> Fail(Exit exit, std::string text) {
  return tl::unexpected<Failure>(Failure{exit, std::move(text)});
}

class Client {
 public:
  // `url`: "http://127.0.0.1:8080", without a path, or with the one that a proxy adds. `token`
  // empty: none is sent.
  Client(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}

  // A problem document becomes a Failure with its text.
  Outcome<Json> Get(const std::string& target) const { return Send("GET", target, {}, {}); }
  // `body` null: none.
  Outcome<Json> Post(const std::string& target, const Json& body) const {
    return Send("POST", target, body.is_null() ? "" : body.dump(), "application/json");
  }
  // Bytes that are no document. The answer to a part of them that was taken (422) is one, too.
  Outcome<Json> PostBytes(const std::string& target, const std::string& bytes,
                          const std::string& type) const {
    return Send("POST", target, bytes, type);
  }

 private:
  Outcome<Json> Send(const std::string& method, const std::string& target, const std::string& body,
                     const std::string& type) const;

  std::string url_;
  std::string token_;
};

}  // namespace edgetwin::cloudcli
