// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// HTTP exchanges on a loop, by libcurl's multi interface.
//
// Nothing blocks: sockets and timeouts are the loop's, names are resolved by libcurl's own threads.
// Connections are kept and used again. SINGLE-THREADED, on the loop's thread.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/http/http_options.h"
#include "twin/base/loop.h"
#include "twin/base/result.h"

namespace edgetwin::http_driver {

struct Exchange {
  MessageOptions message;                                         // With the body as it is sent.
  std::vector<std::pair<std::string, std::string>> more_headers;  // Sent to the first address only.
  std::chrono::milliseconds timeout{10'000};                      // Of all of it.
  std::size_t body_bytes_max = 1 << 20;
  int redirects_max = 0;  // GET only.
  // Never sent a second time: libcurl repeats by itself what met a kept connection that the server
  // had closed meanwhile, so this one gets a connection of its own.
  bool once = false;
};

struct Answer {
  int status = 0;
  std::string body;  // Of a 2xx only.
  std::string etag;
  std::string last_modified;
  std::optional<std::chrono::seconds> retry_after;
  bool redirected = false;
};

// kUnavailable: no answer, or it was cut off. kTimeout. kInvalid: what came is no HTTP, or can't be
// trusted. kExhausted: it was too long, or redirected too often. No text holds a secret.
struct Outcome {
  Result<Answer> answer;
  bool answered = true;  // The host gave an answer, whatever it was worth.
};

class Client {
 public:
  enum class Id : std::uint64_t { kNone = 0 };
  using Done = std::function<void(Outcome)>;

  // kUnsupported when this libcurl resolves names in the caller's thread, or has no TLS.
  static Status CheckLibrary();

  // `loop` must outlive the client. `idle_max`: connections that are kept.
  Client(Loop& loop, std::size_t idle_max);
  // No `done` is called any more. Doesn't wait for names that are being resolved.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `done` is called once, later, from the loop, where it may do anything, destroying the client
  // included. To another origin than the first, redirects are followed without authorization,
  // headers and client certificate.
  Id Start(Exchange exchange, Done done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::http_driver
