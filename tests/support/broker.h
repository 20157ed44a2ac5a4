// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A private mosquitto on a loopback port of its own.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::tests {

struct BrokerOptions {
  std::optional<Certificate> tls{};  // The server's; none: plain TCP.
  std::string client_ca_file{};      // With `tls`: clients need a certificate by this authority.
  std::map<std::string, std::string> passwords{};  // By user; empty: everybody may connect.
  std::string acl{};                 // Text of an acl_file; empty: everything is allowed.
  std::vector<std::string> lines{};  // More lines of mosquitto.conf.
};

class TestBroker {
 public:
  // Starts it, and returns when it accepts connections.
  explicit TestBroker(const BrokerOptions& options = {});
  ~TestBroker();

  std::uint16_t port() const { return port_; }
  // "mqtt://127.0.0.1:4711", or "mqtts://localhost:4711".
  std::string url() const;
  // What mosquitto has logged since the first start.
  std::string log() const;

  // kill -9, as power would do it: nobody is told.
  void Kill();
  // SIGTERM: clients are told and Wills are kept.
  void Stop();
  // On the same port, with the same configuration.
  void Start();
  // Stops it from answering while its sockets stay open, and lets it go on.
  void Freeze();
  void Thaw();

 private:
  TempDir folder_;
  std::uint16_t port_;
  bool tls_;
  std::unique_ptr<Child> process_;
};

}  // namespace edgetwin::tests
