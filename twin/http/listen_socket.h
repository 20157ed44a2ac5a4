// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Listening sockets, opened safely.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "twin/base/result.h"

namespace edgetwin::http {

// Owns the descriptor until Release, and a Unix socket's file while it is still its own.
class ListenSocket {
 public:
  // kConflict: somebody listens there, or the path is not a socket. kInvalid: too long a path.
  static Result<ListenSocket> Unix(const std::string& path, unsigned mode);
  // kInvalid: not a numeric address. kConflict: in use. kPermission, kUnavailable.
  static Result<ListenSocket> Tcp(const std::string& address, std::uint16_t port);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket();

  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }  // 0 for Unix sockets.
  bool unix_domain() const { return !path_.empty(); }

 private:
  explicit ListenSocket(int fd) : fd_(fd) {}

  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::string path_;
  std::uint64_t inode_ = 0;
};

}  // namespace edgetwin::http
