// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The driver on a pair of sockets in place of a bus, since most machines that build this have no
// CAN: records of the kernel's own frame structs, in order. can_kernel_test.cc has it on a real
// one.

#include "drivers/sdk/conformance/conformance.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "drivers/can/can_driver.h"
#include "drivers/can/conformance_test_bench.h"
#include "drivers/sdk/testing/ticker.h"

namespace edgetwin::can {
namespace {

class SocketPairBench;
SocketPairBench* bus = nullptr;  // Of the test that runs.

class SocketPairBench final : public PumpBench {
 public:
  SocketPairBench() : PumpBench("can0") { bus = this; }
  ~SocketPairBench() override {
    bus = nullptr;
    const auto held = pump_.Hold();
    Close();
  }
  SocketPairBench(const SocketPairBench&) = delete;
  SocketPairBench& operator=(const SocketPairBench&) = delete;

  Result<std::unique_ptr<CanPort>> Open(const std::string& interface) {
    const auto held = pump_.Hold();
    if (down_) return Unavailable(interface + " is down");
    Close();
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    end_ = ends[0];
    return std::make_unique<CanPort>(ends[1]);
  }
  bool Unplug() override {
    const auto held = pump_.Hold();
    down_ = true;
    Close();
    return true;
  }
  void Replug() override {
    const auto held = pump_.Hold();
    down_ = false;
  }

 private:
  void Close() {
    if (end_ >= 0) close(std::exchange(end_, -1));
  }
  // What the driver sends comes back as from the bus, where another node acknowledges it.
  void Turn() {
    if (end_ < 0) return;
    canfd_frame frame{};
    ssize_t got = 0;
    while ((got = recv(end_, &frame, sizeof frame, 0)) > 0) {
      if (!silent()) Tell(frame, static_cast<std::size_t>(got));
    }
    if (got == 0) return Close();  // The driver has gone.
    if (!silent()) Tell(State(), CAN_MTU);
  }
  // Lost when the driver is too slow, as with the kernel's queue.
  void Tell(const canfd_frame& frame, std::size_t bytes) const {
    [[maybe_unused]] const ssize_t sent = send(end_, &frame, bytes, MSG_NOSIGNAL);
  }

  int end_ = -1;
  bool down_ = false;
  driver::testing::Ticker pump_{[this] { Turn(); }};
};

driver::DriverKind SocketPairKind() {
  driver::DriverKind kind = CanKind();
  kind.make = []() -> std::unique_ptr<driver::Driver> {
    return std::make_unique<CanDriver>(
        [](const std::string& interface, const std::vector<std::uint32_t>&) {
          return bus->Open(interface);
        });
  };
  return kind;
}

EDGETWIN_DRIVER_CONFORMS(CanConformance, SocketPairKind, SocketPairBench);

}  // namespace
}  // namespace edgetwin::can
