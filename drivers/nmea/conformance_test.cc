// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

#include "drivers/nmea/nmea_driver.h"
#include "drivers/sdk/testing/pty.h"

namespace edgetwin::nmea {
namespace {

constexpr std::string_view kSentences =
    "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
    "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n";
constexpr std::chrono::milliseconds kEvery{20};

// A receiver on a pseudoterminal, which tells where it is whether anybody listens or not.
class ReceiverBench final : public driver::testing::Bench {
 public:
  ReceiverBench() { NeverWait(); }
  ~ReceiverBench() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    end_.notify_one();
    thread_.join();
  }
  ReceiverBench(const ReceiverBench&) = delete;
  ReceiverBench& operator=(const ReceiverBench&) = delete;

  std::string options() const override {
    return "device = \"" + pty_.device() + "\"\nperiod = \"100ms\"\ntimeout = \"1s\"\n";
  }
  std::vector<std::string> mistakes() const override {
    return {"period = \"1ms\"", "timeout = \"soon\"", "baud = 4801", "device = \"ttyS0\"",
            "parity = \"mark\""};
  }
  std::vector<std::string> paths() const override {
    return {"conformance/latitude", "conformance/altitude", "conformance/satellites",
            "conformance/speed", "conformance/time"};
  }
  bool Unplug() override {
    const std::lock_guard lock(mutex_);
    pty_.Unplug();
    return true;
  }
  void Replug() override {
    const std::lock_guard lock(mutex_);
    pty_.Plug();
    NeverWait();
  }
  bool Hang() override { return Silence(true); }
  void Resume() override { Silence(false); }

 private:
  // For a listener: what finds no room is lost, as on a line.
  void NeverWait() {
    EXPECT_EQ(fcntl(pty_.fd(), F_SETFL, fcntl(pty_.fd(), F_GETFL) | O_NONBLOCK), 0);
  }
  bool Silence(bool silent) {
    const std::lock_guard lock(mutex_);
    silent_ = silent;
    return true;
  }
  void Tell() {
    std::unique_lock lock(mutex_);
    while (!end_.wait_for(lock, kEvery, [this] { return ended_; })) {
      if (silent_ || pty_.fd() < 0) continue;
      [[maybe_unused]] const ssize_t taken = write(pty_.fd(), kSentences.data(), kSentences.size());
    }
  }

  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  bool silent_ = false;
  driver::testing::Pty pty_;
  std::thread thread_{[this] { Tell(); }};
};

EDGETWIN_DRIVER_CONFORMS(NmeaConformance, NmeaKind, ReceiverBench);

}  // namespace
}  // namespace edgetwin::nmea
