// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A raw CAN socket (the kernel's Documentation/networking/can.rst). Nothing here waits.

#pragma once

#include <linux/can.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::can {

class CanPort {
 public:
  // Receives data frames of `ids` only (with CAN_EFF_FLAG for 29 bits; at most kMessagesMax), its
  // own included, and error frames. kUnavailable: the interface isn't there, or down; kPermission.
  static Result<std::unique_ptr<CanPort>> Open(const std::string& interface,
                                               const std::vector<std::uint32_t>& ids);
  // Takes a socket over whose records are can_frame or canfd_frame: Open's, or a test's.
  explicit CanPort(int fd) : fd_(fd) {}
  ~CanPort();
  CanPort(const CanPort&) = delete;
  CanPort& operator=(const CanPort&) = delete;

  int fd() const { return fd_; }
  // Nothing when no frame waits. A classic frame comes as one of CAN FD. kUnavailable: the
  // interface went down or away; kCorrupt: a record that is no frame, which is gone now.
  Result<std::optional<canfd_frame>> Receive();
  // kUnavailable: the queue is full, or the interface down; kUnsupported: CAN FD on an interface
  // without it.
  Status Send(const canfd_frame& frame, bool fd);

  // Frames that the kernel dropped so far because nobody took them.
  std::uint64_t dropped() const { return dropped_; }
  // The kernel's queue; 0 when it doesn't say.
  std::uint64_t queue_bytes() const;

 private:
  const int fd_;
  std::uint32_t dropped_seen_ = 0;  // The kernel's count, which wraps.
  std::uint64_t dropped_ = 0;
};

}  // namespace edgetwin::can
