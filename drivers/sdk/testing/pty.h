// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A serial port without hardware: a driver opens one end of a pseudoterminal, the test has the
// other.

#pragma once

#include <string>
#include <string_view>

namespace edgetwin::driver::testing {

class Pty {
 public:
  Pty();  // Plugged in.
  ~Pty();
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  // What the driver opens: a link, which is gone while unplugged and then leads to another device,
  // as those of /dev/serial/by-id do.
  const std::string& device() const { return link_; }
  // What the link leads to.
  std::string target() const;
  // The device's side: raw, readable and writable. -1 while unplugged.
  int fd() const { return fd_; }
  // All of `bytes`, from the device.
  void Send(std::string_view bytes) const;

  void Unplug();
  void Plug();

 private:
  std::string folder_;
  std::string link_;
  int fd_ = -1;
  int kept_ = -1;  // The driver's side, so that it isn't hung up when a driver closes it.
};

}  // namespace edgetwin::driver::testing
