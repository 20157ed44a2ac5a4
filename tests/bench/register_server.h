// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A Modbus TCP device on loopback that remembers when it said what, so that it can be told how long
// a value took from there on.

#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace edgetwin::bench {

// Each read that includes register 0 is a round: register 0 has its number, from 1 on, and the
// others move on. THREAD-SAFE.
class RegisterServer {
 public:
  static constexpr std::uint16_t kRoundMax = 60'000;  // Then they begin anew.

  // Throws std::runtime_error when there is no port to be had.
  RegisterServer();
  ~RegisterServer();
  RegisterServer(const RegisterServer&) = delete;
  RegisterServer& operator=(const RegisterServer&) = delete;

  std::string endpoint() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  // When the last round of that number was answered, on the monotonic clock.
  std::optional<double> AnsweredUs(std::uint16_t round) const;
  std::uint64_t rounds() const;

 private:
  struct Client {
    int fd = -1;
    std::string bytes;
  };

  void Run();
  bool Serve(Client& client);
  std::string Answer(std::string_view request);

  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::vector<Client> clients_;  // The thread's.
  mutable std::mutex mutex_;
  std::uint64_t rounds_ = 0;
  std::map<std::uint16_t, double> answered_us_;
  std::thread thread_;
};

}  // namespace edgetwin::bench
