// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Asks the daemon through its Unix socket.

#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "agent/cli/failure.h"

namespace edgetwin::cli {

struct Reply {
  long status = 0;
  Json body;
};

class Client {
 public:
  explicit Client(std::string socket) : socket_(std::move(socket)) {}

  // A problem document becomes a Failure with its text. `waiting` is called once, if the answer
  // takes over two seconds.
  Outcome<Reply> Send(const std::string& method, const std::string& target,
                      const std::string& body = {},
                      const std::function<void()>& waiting = {}) const;
  // The body alone.
  Outcome<Json> Get(const std::string& target) const;

  // The bytes of an answer that is no document; a problem as with Send. `waiting` as there.
  Outcome<std::string> Download(const std::string& method, const std::string& target,
                                const std::function<void()>& waiting = {}) const;

  // Server-sent events, until `event` returns false (then kOk) or `at_most` has passed (0: never);
  // fails when the daemon ends the stream.
  using Event = std::function<bool(const std::string& name, const std::string& data)>;
  Outcome<void> Stream(const std::string& target, std::chrono::milliseconds at_most,
                       const Event& event) const;

  const std::string& socket() const { return socket_; }

 private:
  std::string socket_;
};

// For a URL; '/' stays unless `all`.
std::string Escaped(std::string_view text, bool all = false);

}  // namespace edgetwin::cli
