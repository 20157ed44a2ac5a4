// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The real thing: an accelerometer as the kernel's HID sensor hub drives it, with a buffer and a
// trigger of its own, of which only the wire is ours (/dev/uhid). Where that is not to be had there
// is nothing to test; tests/rig/kernel has it.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/uhid.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include "drivers/iio/iio_driver.h"
#include "drivers/iio/stamp_clock.h"
#include "drivers/sdk/blocking_driver.h"
#include "drivers/sdk/sysfs/files.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::iio {
namespace {

using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kDevices[] = "/sys/bus/iio/devices/";
constexpr char kDevice[] = "/sys/bus/iio/devices/iio:device0/";
// Steps are of g, which the kernel gives in m/s².
constexpr double kStep = 9.80665;

// "HID Sensor Usages": an accelerometer (0x73) with its power state (0x0319) and its interval in
// milliseconds (0x030e) as features, whose report has three numbers of 32 bits, X, Y and Z (0x0453
// and so on).
constexpr std::array<std::uint8_t, 58> kDescriptor = {
    0x05, 0x20, 0x09, 0x73, 0xa1, 0x00, 0x85, 0x01,                          //
    0x0a, 0x19, 0x03, 0x15, 0x00, 0x25, 0x05, 0x75, 0x08, 0x95, 0x01,        //
    0xb1, 0x02,                                                              //
    0x0a, 0x0e, 0x03, 0x25, 0x7f, 0xb1, 0x02,                                //
    0x17, 0x00, 0x00, 0x00, 0x80, 0x27, 0xff, 0xff, 0xff, 0x7f, 0x75, 0x20,  //
    0x95, 0x01,                                                              //
    0x0a, 0x53, 0x04, 0x81, 0x02,                                            //
    0x0a, 0x54, 0x04, 0x81, 0x02,                                            //
    0x0a, 0x55, 0x04, 0x81, 0x02,                                            //
    0xc0};

// Goes on once `is_so()`; a minute is more than the slowest machine needs.
void Await(const std::function<bool()>& is_so) {
  for (int i = 0; i < 60'000 && !is_so(); ++i) usleep(1'000);
}

class Accelerometer {
 public:
  ~Accelerometer() { Unplug(); }

  bool Plug() {
    fd_ = open("/dev/uhid", O_RDWR | O_CLOEXEC);
    if (fd_ < 0) return false;
    uhid_event event{};
    event.type = UHID_CREATE2;
    std::strcpy(reinterpret_cast<char*>(event.u.create2.name), "edgetwin test");
    event.u.create2.bus = 0x03;
    event.u.create2.rd_size = kDescriptor.size();
    std::ranges::copy(kDescriptor, event.u.create2.rd_data);
    if (write(fd_, &event, sizeof event) != static_cast<ssize_t>(sizeof event)) return false;
    unplugged_ = false;
    wire_ = std::thread([this] { Answer(); });
    return true;
  }

  void Unplug() {
    if (fd_ < 0) return;
    unplugged_ = true;
    wire_.join();
    close(std::exchange(fd_, -1));
  }

  void Measure(std::int32_t x, std::int32_t y, std::int32_t z) const {
    uhid_event event{};
    event.type = UHID_INPUT2;
    event.u.input2.size = 13;
    event.u.input2.data[0] = 1;
    const std::int32_t axes[] = {x, y, z};
    std::memcpy(event.u.input2.data + 1, axes, sizeof axes);
    ASSERT_EQ(write(fd_, &event, sizeof event), static_cast<ssize_t>(sizeof event));
  }

 private:
  // The features are "full power" and a millisecond, whatever they are set to.
  void Answer() const {
    pollfd asked{fd_, POLLIN, 0};
    while (!unplugged_) {
      uhid_event event{};
      if (poll(&asked, 1, 20) != 1 || read(fd_, &event, sizeof event) <= 0) continue;
      uhid_event answer{};
      if (event.type == UHID_GET_REPORT) {
        answer.type = UHID_GET_REPORT_REPLY;
        answer.u.get_report_reply.id = event.u.get_report.id;
        answer.u.get_report_reply.size = 3;
        answer.u.get_report_reply.data[0] = 1;
        answer.u.get_report_reply.data[1] = 1;
        answer.u.get_report_reply.data[2] = 1;
      } else if (event.type == UHID_SET_REPORT) {
        answer.type = UHID_SET_REPORT_REPLY;
        answer.u.set_report_reply.id = event.u.set_report.id;
      } else {
        continue;
      }
      (void)!write(fd_, &answer, sizeof answer);
    }
  }

  int fd_ = -1;
  std::atomic<bool> unplugged_ = false;
  std::thread wire_;
};

class IioKernelTest : public ::testing::Test {
 protected:
  // An instance with a sink of its own.
  struct Instance {
    Instance() {
      static int runs = 0;
      prefix = "drivers.kernel" + std::to_string(++runs);
      loop.AwaitWhile([this] { return Busy(); });
    }
    ~Instance() { Stop(); }

    void Start(const std::string& options) {
      const auto node = driver::testing::ParseOptions(
          "thing = \"t\"\nrescan = \"1s\"\n[[buffer]]\ndevice = \"accel_3d\"\nperiod = "
          "\"100ms\"\n" +
          options);
      ConfigProblems problems;
      ConfigReader config(*node, prefix, problems);
      ASSERT_TRUE(driver->Init(config)) << problems.ToString();
      ASSERT_TRUE(driver->Start(loop, sink));
      Pass(milliseconds(1));
    }
    bool Busy() const {
      for (const LimitReport& limit : driver->limits()) {
        if (limit.name == "polls_under_way" && limit.used > 0) return true;
      }
      return false;
    }
    // So long, and until the poll that then goes on is over, however slow the machine is.
    void Pass(milliseconds time) {
      loop.Run(time);
      while (Busy()) loop.Run(milliseconds(1));
    }
    // Up to its thread's end, which switches the buffer off.
    void Stop() {
      const std::vector<driver::PartStatus> parts = driver->parts();
      driver->Stop();
      for (const auto& part : parts) {
        Await([&] { return !driver::BlockingDriver::ThreadLives(prefix + "/iio:" + part.name); });
      }
    }
    void Poll() { Pass(milliseconds(100)); }
    std::string Path(const std::string& axis) const {
      for (const std::string& path : sink.paths()) {
        if (path.ends_with("/accel_" + axis)) return path;
      }
      return "none";
    }
    double ValueOf(const std::string& axis) const { return sink.Last(Path(axis)).value.real(); }
    std::vector<std::string> Errors() const {
      std::vector<std::string> errors;
      for (const auto& poll : sink.polls()) {
        if (!poll.result) errors.push_back(poll.result.error().text);
      }
      return errors;
    }

    std::string prefix;
    ManualClock clock;
    driver::testing::ManualLoop loop{clock};
    driver::testing::RecordingSink sink{clock};
    std::unique_ptr<driver::Driver> driver = IioKind().make();
  };

  void SetUp() override {
    if (!sysfs::Exists("/sys/bus/iio") || !accelerometer_.Plug()) {
      GTEST_SKIP() << "no /dev/uhid or no Industrial I/O is to be had";
    }
    Await([] { return sysfs::Exists(std::string(kDevice) + "trigger/current_trigger"); });
    trigger_ = Get("trigger/current_trigger");
    ASSERT_NE(trigger_, "") << "the driver brings its own";
  }
  // The next test's device has the same number only when this one is gone.
  void TearDown() override {
    accelerometer_.Unplug();
    Await([] { return !sysfs::Exists(kDevice); });
  }

  static std::string Get(const std::string& file) { return sysfs::TextOr(kDevice + file, ""); }
  static void Put(const std::string& file, const std::string& text) {
    const Status written = sysfs::WriteOnce(kDevice + file, text);
    EXPECT_TRUE(written) << written.error().text;
  }

  Accelerometer accelerometer_;
  std::string trigger_;
};

TEST_F(IioKernelTest, EveryScanIsReportedWithItsValueAndTime) {
  for (const char* clock : {"realtime", "monotonic"}) {
    Put("current_timestamp_clock", clock);
    Instance instance;
    instance.Start("keep = \"all\"\n");
    EXPECT_EQ(Get("buffer0/enable"), "1");
    const std::int64_t before = NowNs(CLOCK_MONOTONIC);
    accelerometer_.Measure(1, -2, 3);
    usleep(20'000);  // So that the times differ; how much is not relied upon.
    accelerometer_.Measure(100'000, 0, -100'000);
    instance.Poll();
    const auto took = milliseconds((NowNs(CLOCK_MONOTONIC) - before) / 1'000'000 + 1);
    EXPECT_EQ(instance.sink.DefOf(instance.Path("x")).unit, "m/s2");
    const auto& samples = instance.sink.Samples(instance.Path("x"));
    ASSERT_EQ(samples.size(), 2u);
    EXPECT_NEAR(samples[0].value.real(), kStep, 1e-3);
    EXPECT_NEAR(samples[1].value.real(), 100'000 * kStep, 1e-3);
    EXPECT_NEAR(instance.sink.Samples(instance.Path("y")).at(0).value.real(), -2 * kStep, 1e-3);
    EXPECT_NEAR(instance.ValueOf("z"), -100'000 * kStep, 1e-3);
    EXPECT_GE(samples[1].time - samples[0].time, milliseconds(19));
    EXPECT_LE(instance.clock.UntrustedWall() - samples[0].time, took + milliseconds(100));
    instance.Stop();
    EXPECT_EQ(Get("buffer0/enable"), "0");
  }
}

TEST_F(IioKernelTest, ChannelsThatAreLeftOutAreNotInTheScans) {
  // Not the last one: this driver of Linux 6.1 puts in all axes, whichever are enabled.
  Put("buffer0/in_accel_z_en", "1");
  Instance instance;
  instance.Start("channels = [\"accel_x\"]\n");
  EXPECT_EQ(Get("buffer0/in_accel_z_en"), "0");
  accelerometer_.Measure(-3, 2, 1);
  instance.Poll();
  EXPECT_NEAR(instance.ValueOf("x"), -3 * kStep, 1e-3);
}

TEST_F(IioKernelTest, ADeviceHasOneReader) {
  Instance first;
  Instance second;
  first.Start("");
  second.Start("");
  EXPECT_THAT(second.Errors(), Contains("/dev/iio:device0: somebody else captures from it"));
  accelerometer_.Measure(7, 0, 0);
  first.Poll();
  EXPECT_NEAR(first.ValueOf("x"), 7 * kStep, 1e-3) << "the other one did no harm";
  first.Stop();
  // Once its turn comes again.
  while (Get("buffer0/enable") != "1") second.Poll();
  accelerometer_.Measure(8, 0, 0);
  second.Poll();
  EXPECT_NEAR(second.ValueOf("x"), 8 * kStep, 1e-3);
}

TEST_F(IioKernelTest, WhatWasLeftOnIsTakenOver) {
  Put("buffer0/in_accel_y_en", "1");
  Put("buffer0/enable", "1");
  Instance instance;
  instance.Start("");
  accelerometer_.Measure(5, 0, 0);
  instance.Poll();
  EXPECT_NEAR(instance.ValueOf("x"), 5 * kStep, 1e-3);
}

TEST_F(IioKernelTest, AFullBufferIsTold) {
  Instance instance;
  instance.Start("length = 8\n");
  for (int i = 1; i <= 40; ++i) accelerometer_.Measure(i, 0, 0);
  instance.Poll();
  EXPECT_THAT(instance.Errors(), Contains(HasSubstr("the buffer of 8 scans was full")));
}

TEST_F(IioKernelTest, ATriggerIsSetAndTakenAwayAgain) {
  Put("trigger/current_trigger", "\n");
  ASSERT_EQ(Get("trigger/current_trigger"), "");
  {
    Instance without;
    without.Start("");
    EXPECT_THAT(without.Errors(), Contains(HasSubstr("it has no trigger: set 'trigger' (this "
                                                     "machine has '" +
                                                     trigger_ + "')")));
  }
  {
    Instance wrong;
    wrong.Start("trigger = \"tick\"\n");
    EXPECT_THAT(wrong.Errors(), Contains(HasSubstr("there is no trigger 'tick'")));
  }
  Instance instance;
  instance.Start("trigger = \"" + trigger_ + "\"\n");
  EXPECT_EQ(Get("trigger/current_trigger"), trigger_);
  accelerometer_.Measure(6, 0, 0);
  instance.Poll();
  EXPECT_NEAR(instance.ValueOf("x"), 6 * kStep, 1e-3);
  instance.Stop();
  EXPECT_EQ(Get("trigger/current_trigger"), "") << "as it was found";
}

TEST_F(IioKernelTest, ABufferThatSomebodySwitchesOffIsSetUpAgain) {
  Instance instance;
  instance.Start("");
  Put("buffer0/enable", "0");
  instance.Poll();
  EXPECT_THAT(instance.Errors(), Contains(HasSubstr("somebody switched the buffer off")));
  while (Get("buffer0/enable") != "1") instance.Poll();
  accelerometer_.Measure(4, 0, 0);
  instance.Poll();
  EXPECT_NEAR(instance.ValueOf("x"), 4 * kStep, 1e-3);
}

TEST_F(IioKernelTest, ADeviceThatIsPulledOutIsBadAndComesBack) {
  Instance instance;
  instance.Start("");
  accelerometer_.Measure(2, 0, 0);
  instance.Poll();
  const std::string path = instance.Path("x");
  ASSERT_TRUE(instance.sink.Has(path));
  accelerometer_.Unplug();
  Await([] { return !sysfs::Exists(kDevice); });
  instance.Poll();
  EXPECT_THAT(instance.Errors(), Contains(HasSubstr("No such device")));
  EXPECT_TRUE(!instance.sink.Has(path) || instance.sink.Last(path).quality == Quality::kBad);
  instance.Pass(seconds(2));
  EXPECT_FALSE(instance.sink.Has(path)) << "the scan found it gone";
  ASSERT_TRUE(accelerometer_.Plug());
  Await([] { return sysfs::Exists(std::string(kDevice) + "trigger/current_trigger"); });
  instance.Pass(seconds(2));
  accelerometer_.Measure(9, 0, 0);
  instance.Poll();
  EXPECT_NEAR(instance.ValueOf("x"), 9 * kStep, 1e-3);
}

}  // namespace
}  // namespace edgetwin::iio
