// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A driver on a bus that is a pair of sockets: records of the kernel's own frame structs, in order,
// without waiting. What only a kernel with CAN can show (filters, echoes, error frames of its own)
// is in tests/rig/guest/can.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "drivers/can/can_driver.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::can {

// The other end of the bus.
class FakeBus {
 public:
  ~FakeBus() { Unplug(); }

  CanDriver::Opener opener() {
    return [this](const std::string& interface,
                  const std::vector<std::uint32_t>& ids) -> Result<std::unique_ptr<CanPort>> {
      ++opened_;
      ids_ = ids;
      if (down_) return Unavailable(interface + " is down");
      int ends[2];
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
      Unplug();
      end_ = ends[0];
      return std::make_unique<CanPort>(ends[1]);
    };
  }
  void set_down(bool down) { down_ = down; }
  void Unplug() {
    if (end_ >= 0) close(end_);
    end_ = -1;
  }
  bool Put(std::uint32_t id, const std::vector<int>& bytes) {
    canfd_frame frame{};
    frame.can_id = id;
    frame.len = static_cast<std::uint8_t>(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      frame.data[i] = static_cast<std::uint8_t>(bytes[i]);
    }
    return PutFrame(frame);
  }
  bool PutFrame(const canfd_frame& frame) {
    return PutBytes(&frame, frame.len > CAN_MAX_DLEN ? CANFD_MTU : CAN_MTU);
  }
  bool PutBytes(const void* bytes, std::size_t count) {
    return send(end_, bytes, count, MSG_NOSIGNAL) == static_cast<ssize_t>(count);
  }
  // What the driver sent, oldest first; nothing when there is none.
  std::optional<canfd_frame> Sent() {
    canfd_frame frame{};
    const ssize_t got = recv(end_, &frame, sizeof frame, MSG_DONTWAIT);
    if (got <= 0) return std::nullopt;
    sent_bytes_ = static_cast<std::size_t>(got);
    return frame;
  }
  static std::string Hex(const std::optional<canfd_frame>& frame) {
    if (!frame) return "none";
    char text[16];
    snprintf(text, sizeof text, "%X#", frame->can_id);
    std::string result = text;
    for (std::size_t i = 0; i < frame->len; ++i) {
      snprintf(text, sizeof text, "%02X", frame->data[i]);
      result += text;
    }
    return result;
  }

  int opened() const { return opened_; }
  const std::vector<std::uint32_t>& ids() const { return ids_; }
  std::size_t sent_bytes() const { return sent_bytes_; }

 private:
  int end_ = -1;
  bool down_ = false;
  int opened_ = 0;
  std::vector<std::uint32_t> ids_;
  std::size_t sent_bytes_ = 0;
};

class CanDriverTest : public ::testing::Test {
 protected:
  ~CanDriverTest() override {
    driver_.Stop();
    sink_.Revoke();
    bus_.Unplug();
    Pass(std::chrono::seconds(30));
    EXPECT_EQ(loop_.pending(), 0u);
  }

  void Init(const std::string& options) {
    const auto node = driver::testing::ParseOptions("interface = \"can0\"\n" + options);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.bus", problems);
    ASSERT_TRUE(driver_.Init(config)) << problems.ToString();
    config.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
  }
  void Start(const std::string& options) {
    Init(options);
    ASSERT_TRUE(driver_.Start(loop_, sink_));
  }
  void Pass(std::chrono::microseconds time) { loop_.Run(time); }
  void Turn() { loop_.Run(std::chrono::microseconds(0)); }
  void Put(std::uint32_t id, const std::vector<int>& bytes) {
    ASSERT_TRUE(bus_.Put(id, bytes));
    Turn();
  }
  std::size_t Count(std::string_view path) { return sink_.Samples(path).size(); }
  bool Bad(std::string_view path) { return sink_.Last(path).quality == model::Quality::kBad; }
  LimitReport LimitOf(std::string_view name) {
    for (LimitReport& limit : driver_.limits()) {
      if (limit.name == name) return limit;
    }
    ADD_FAILURE() << "no limit " << name;
    return {};
  }
  driver::WriteDone Note() {
    return [this](Result<model::Value> result) { results_.push_back(std::move(result)); };
  }
  Status Write(std::string_view path, const model::Value& value) {
    return driver_.Write(sink_.IdOf(path), value, Note());
  }

  FakeBus bus_;
  ManualClock clock_;
  driver::testing::ManualLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  CanDriver driver_{bus_.opener()};
  std::vector<Result<model::Value>> results_;
};

}  // namespace edgetwin::can
