// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/w1/w1_driver.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::w1 {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kSensors = 50;

// Lets nobody read until it is opened. It outlives every driver, as hardware does.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;

  void Open() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

class GatedFiles final : public W1Files {
 public:
  explicit GatedFiles(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  Result<std::string> Read(const std::string&) override {
    std::unique_lock lock(gate_->mutex);
    gate_->changed.wait(lock, [this] { return gate_->open; });
    return std::string("21500");
  }
  Status Write(const std::string&, std::string_view) override { return Unsupported("no"); }
  MonoTime Now() const override { return clock_.Now(); }
  void Wait(milliseconds) override {}
  void Interrupt() override {}

 private:
  const std::shared_ptr<Gate> gate_;
  SystemClock clock_;
};

class W1DriverTest : public ::testing::Test {
 protected:
  W1DriverTest() {
    root_ = (fs::path(::testing::TempDir()) / "edgetwin-w1-XXXXXX").string();
    EXPECT_NE(mkdtemp(root_.data()), nullptr);
    for (int i = 0; i < kSensors; ++i) {
      const fs::path sensor = fs::path(root_) / "sys/bus/w1/devices" /
                              ("w1_bus_master" + std::to_string(1 + i % 2)) /
                              ("28-0000000000" + std::to_string(10 + i));
      fs::create_directories(sensor);
      std::ofstream(sensor / "temperature") << "21500\n";
    }
    driver_ = MakeW1Driver([gate = gate_] { return std::make_unique<GatedFiles>(gate); });
    const auto node = driver::testing::ParseOptions("root = \"" + root_ + "\"\n");
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.w1_driver_test", problems);
    EXPECT_TRUE(driver_->Init(config)) << problems.ToString();
  }
  ~W1DriverTest() override {
    driver_->Stop();
    gate_->Open();
    fs::remove_all(root_);
  }

  std::string root_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  ManualClock clock_;
  driver::testing::ManualLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  std::unique_ptr<driver::Driver> driver_;
};

TEST_F(W1DriverTest, FiftySensorsThatTakeTheirTimeHoldUpNothingElse) {
  int ticks = 0;
  const Loop::Id tick = loop_.Every(milliseconds(100), [&] { ++ticks; });
  ASSERT_TRUE(driver_->Start(loop_, sink_));
  loop_.Run(seconds(5));
  EXPECT_EQ(ticks, 50) << "the loop went on";
  EXPECT_EQ(sink_.paths().size(), static_cast<std::size_t>(kSensors));
  EXPECT_EQ(sink_.reports(), 0u) << "and no sensor has answered";
  EXPECT_EQ(driver_->parts().size(), 2u) << "a part for each bus master";

  gate_->Open();
  const auto all_read = [&] {
    const std::vector<std::string> paths = sink_.paths();
    return std::all_of(paths.begin(), paths.end(),
                       [&](const std::string& path) { return !sink_.Last(path).value.none(); });
  };
  loop_.AwaitWhile([&] { return !all_read(); });
  loop_.Run(milliseconds(1));
  EXPECT_TRUE(all_read());
  loop_.Cancel(tick);
}

}  // namespace
}  // namespace edgetwin::w1
