// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "drivers/nmea/nmea_driver.h"
#include "drivers/sdk/testing/pty.h"
#include "drivers/sdk/testing/ticker.h"

namespace edgetwin::nmea {
namespace {

constexpr std::string_view kSentences =
    "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
    "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n";

// A receiver on a pseudoterminal, which tells where it is whether anybody listens or not.
class ReceiverBench final : public driver::testing::Bench {
 public:
  ReceiverBench() { NeverWait(); }

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
    const auto held = receiver_.Hold();
    pty_.Unplug();
    return true;
  }
  void Replug() override {
    const auto held = receiver_.Hold();
    pty_.Plug();
    NeverWait();
  }
  bool Hang() override { return Silence(true); }
  void Resume() override { Silence(false); }

 private:
  bool Silence(bool silent) {
    const auto held = receiver_.Hold();
    silent_ = silent;
    return true;
  }
  // For a listener: what finds no room is lost, as on a line.
  void NeverWait() const {
    EXPECT_EQ(fcntl(pty_.fd(), F_SETFL, fcntl(pty_.fd(), F_GETFL) | O_NONBLOCK), 0);
  }
  void Tell() const {
    if (silent_ || pty_.fd() < 0) return;
    [[maybe_unused]] const ssize_t taken = write(pty_.fd(), kSentences.data(), kSentences.size());
  }

  driver::testing::Pty pty_;
  bool silent_ = false;
  driver::testing::Ticker receiver_{[this] { Tell(); }};
};

EDGETWIN_DRIVER_CONFORMS(NmeaConformance, NmeaKind, ReceiverBench);

}  // namespace
}  // namespace edgetwin::nmea
