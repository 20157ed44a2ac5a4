// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "drivers/iio/iio_driver.h"
#include "drivers/iio/iio_test_tree.h"
#include "drivers/sdk/conformance/tree_bench.h"

namespace edgetwin::iio {
namespace {

// A converter with one channel.
class ConverterBench final : public driver::testing::TreeBench {
 public:
  ConverterBench()
      : TreeBench({{"sys/bus/iio/devices/iio:device0/name", "mcp3008\n"},
                   {"sys/bus/iio/devices/iio:device0/in_voltage0_raw", "512\n"},
                   {"sys/bus/iio/devices/iio:device0/in_voltage_scale", "3.222656250\n"}},
                  "sys/bus/iio/devices/iio:device0",
                  "sys/bus/iio/devices/iio:device0/in_voltage0_raw", Files::kKeptOpen) {}
  std::vector<std::string> paths() const override { return {"conformance/mcp3008/voltage0"}; }
};

EDGETWIN_DRIVER_CONFORMS(IioConformance, IioKind, ConverterBench);

// The same through its buffer, with a trigger that runs all the time.
class CapturedBench final : public driver::testing::Bench {
 public:
  CapturedBench() {
    tree_.AddElement("voltage0", 0, "be:u10/16>>0");
    trigger_ = std::thread([this] {
      while (!ended_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        const std::lock_guard lock(mutex_);
        if (!silent_) tree_.Measure({0x02, 0x00});
      }
    });
  }
  ~CapturedBench() override {
    ended_ = true;
    trigger_.join();
  }
  CapturedBench(const CapturedBench&) = delete;
  CapturedBench& operator=(const CapturedBench&) = delete;

  std::string options() const override {
    return "root = \"" + tree_.root() +
           "\"\nrescan = \"1s\"\n"
           "[[buffer]]\ndevice = \"mcp3008\"\nperiod = \"20ms\"\ntimeout = \"200ms\"\n";
  }
  std::vector<std::string> mistakes() const override {
    return {"period = \"soon\"", "devices_include = 1"};
  }
  std::vector<std::string> paths() const override { return {"conformance/mcp3008/voltage0"}; }

  bool Unplug() override {
    const std::lock_guard lock(mutex_);
    tree_.Unplug();
    return true;
  }
  void Replug() override {
    const std::lock_guard lock(mutex_);
    tree_.PlugIn();
  }
  // The trigger stands still.
  bool Hang() override { return silent_ = true; }
  void Resume() override { silent_ = false; }

 private:
  std::mutex mutex_;
  testing::BufferTree tree_;
  std::atomic<bool> silent_ = false;
  std::atomic<bool> ended_ = false;
  std::thread trigger_;
};

EDGETWIN_DRIVER_CONFORMS(IioCaptureConformance, IioKind, CapturedBench);

}  // namespace
}  // namespace edgetwin::iio
