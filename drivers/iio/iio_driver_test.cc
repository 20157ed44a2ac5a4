// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/iio_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "drivers/iio/buffer_config.h"
#include "drivers/iio/iio_test_tree.h"
#include "drivers/iio/stamp_clock.h"
#include "drivers/sdk/blocking_driver.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::iio {
namespace {

namespace fs = std::filesystem;
using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BufferTree;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Stamped;

constexpr std::int64_t kSecondNs = 1'000'000'000;

class IioDriverTest : public ::testing::Test {
 protected:
  IioDriverTest() {
    tree_.AddElement("voltage0", 0, "le:u16/16>>0");
    tree_.AddElement("voltage1", 1, "le:u16/16>>0");
    tree_.AddElement("timestamp", 2, "le:s64/64>>0");
    tree_.Put("in_voltage0_raw", "700\n");
    tree_.Put("in_voltage1_raw", "800\n");
    loop_.AwaitWhile([this] { return Limit("polls_under_way").used > 0; });
  }
  ~IioDriverTest() override { Stop(); }

  void Start(const std::string& options) {
    static int runs = 0;
    prefix_ = "drivers.iio" + std::to_string(++runs);
    const auto node =
        driver::testing::ParseOptions("root = \"" + tree_.root() + "\"\nthing = \"t\"\n" + options);
    ConfigProblems problems;
    ConfigReader config(*node, prefix_, problems);
    ASSERT_TRUE(driver_->Init(config)) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
    loop_.Run(milliseconds(1));  // Up to the end of the first poll, which switches buffers on.
  }

  // A capture's thread ends by itself, a moment later.
  void Stop() {
    driver_->Stop();
    EXPECT_EQ(loop_.pending(), 0u);
    while (driver::BlockingDriver::ThreadLives(prefix_ + "/iio:mcp3008")) {
    }
  }

  LimitReport Limit(const std::string& name) const {
    for (const LimitReport& limit : driver_->limits()) {
      if (limit.name == name) return limit;
    }
    return {};
  }

  std::vector<std::string> Errors() const {
    std::vector<std::string> errors;
    for (const auto& poll : sink_.polls()) {
      if (!poll.result) errors.push_back(poll.result.error().text);
    }
    return errors;
  }

  BufferTree tree_;
  ManualClock clock_;
  driver::testing::ManualLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  std::unique_ptr<driver::Driver> driver_ = IioKind().make();
  std::string prefix_;
};

TEST_F(IioDriverTest, ACapturedDeviceHasThePathsAndUnitsOfAPolledOne) {
  Start("[[buffer]]\ndevice = \"mcp3008\"\nperiod = \"100ms\"\n");
  EXPECT_THAT(sink_.paths(), ElementsAre("t/mcp3008/voltage0", "t/mcp3008/voltage1"));
  EXPECT_EQ(sink_.DefOf("t/mcp3008/voltage0").unit, "V");
  EXPECT_THAT(sink_.DefOf("t/mcp3008/voltage0").source, HasSubstr("buffer0/in_voltage0_en"));
  EXPECT_EQ(tree_.Get("buffer0/enable"), "1");
  EXPECT_TRUE(sink_.Last("t/mcp3008/voltage0").value.none()) << "it isn't polled, too";
  tree_.Measure(Stamped({3, 0, 4, 0, 0, 0, 0, 0}, NowNs(CLOCK_REALTIME)));
  loop_.Run(milliseconds(100));
  EXPECT_EQ(sink_.Last("t/mcp3008/voltage0").value, Value(3.0));
  EXPECT_EQ(sink_.Last("t/mcp3008/voltage1").value, Value(4.0));
  EXPECT_EQ(sink_.RawOf("t/mcp3008/voltage1"), "4");
  EXPECT_EQ(Limit("captured_devices").used, 1u);
  EXPECT_EQ(Limit("buffered_scans").peak, 1u);
  Stop();
  EXPECT_EQ(tree_.Get("buffer0/enable"), "0");
}

TEST_F(IioDriverTest, SamplesCarryTheTimeAtWhichTheyWereTaken) {
  // The agent's clock isn't the machine's: ages count.
  clock_.SetWall(WallTime(seconds(1'000'000)));
  Start("[[buffer]]\ndevice = \"mcp*\"\nkeep = \"all\"\nperiod = \"100ms\"\n");
  const std::int64_t now = NowNs(CLOCK_REALTIME);
  const SystemClock system;
  const MonoTime before = system.Now();
  tree_.Measure(Stamped({1, 0, 0, 0, 0, 0, 0, 0}, now - 20 * kSecondNs));
  tree_.Measure(Stamped({2, 0, 0, 0, 0, 0, 0, 0}, now - 10 * kSecondNs));
  loop_.Run(milliseconds(100));
  const auto took = std::chrono::ceil<milliseconds>(system.Now() - before);
  const auto& samples = sink_.Samples("t/mcp3008/voltage0");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].value, Value(1.0));
  EXPECT_EQ(samples[1].value, Value(2.0));
  EXPECT_EQ(samples[1].time - samples[0].time, seconds(10));
  const WallTime wall = clock_.UntrustedWall();
  EXPECT_LE(samples[0].time, wall - seconds(20) + milliseconds(1));
  EXPECT_GE(samples[0].time, wall - seconds(20) - took - milliseconds(101));
}

TEST_F(IioDriverTest, OtherDevicesArePolledAndWhatIsNotIncludedIsLeftOut) {
  tree_.Put(tree_.root() + "/sys/bus/iio/devices/iio:device1/name", "bmp280\n");
  tree_.Put(tree_.root() + "/sys/bus/iio/devices/iio:device1/in_temp_input", "21500\n");
  Start("[[buffer]]\ndevice = \"mcp3008\"\nchannels = [\"voltage1\"]\nperiod = \"100ms\"\n");
  EXPECT_THAT(sink_.paths(), ElementsAre("t/bmp280/temp", "t/mcp3008/voltage1"));
  EXPECT_EQ(sink_.Last("t/bmp280/temp").value, Value(21.5));
  EXPECT_EQ(tree_.Get("buffer0/in_voltage0_en"), "0");
  EXPECT_EQ(tree_.Get("buffer0/in_voltage1_en"), "1");
}

TEST_F(IioDriverTest, ADeviceThatCanNotBeCapturedIsPolledAndSaysWhy) {
  fs::remove_all(tree_.device() + "/buffer0");
  Start("[[buffer]]\ndevice = \"mcp3008\"\n");
  EXPECT_EQ(sink_.Last("t/mcp3008/voltage0").value, Value(700.0));
  EXPECT_THAT(Errors(), ElementsAre("mcp3008: has no buffer to capture from; it is polled"));
}

TEST_F(IioDriverTest, ChannelsThatTheBufferHasNotAreTold) {
  Start("[[buffer]]\ndevice = \"mcp3008\"\nchannels = [\"voltage9\"]\n");
  EXPECT_EQ(sink_.Last("t/mcp3008/voltage0").value, Value(700.0));
  EXPECT_THAT(Errors(), ElementsAre("mcp3008: no channel of its buffer is included; it is polled"));
}

TEST_F(IioDriverTest, MoreChannelsThanABufferMayHaveAreTold) {
  for (int i = 2; i <= static_cast<int>(kElementsMax); ++i) {
    tree_.AddElement("voltage" + std::to_string(i), 100 + i, "le:u8/8>>0");
  }
  Start("[[buffer]]\ndevice = \"mcp3008\"\n");
  EXPECT_THAT(Errors(), ElementsAre(HasSubstr("65 channels of its buffer are included")));
}

TEST_F(IioDriverTest, CapturesPastTheLimitArePolled) {
  for (int i = 1; i < 18; ++i) {
    fs::copy(tree_.device(), tree_.root() + "/sys/bus/iio/devices/iio:device" + std::to_string(i),
             fs::copy_options::recursive);
  }
  Start("[[buffer]]\ndevice = \"mcp3008\"\n");
  EXPECT_EQ(Limit("captured_devices").used, 16u);
  EXPECT_EQ(Limit("captured_devices").hits, 2u);
  EXPECT_EQ(sink_.Last("t/mcp3008_18/voltage0").value, Value(700.0));
}

TEST_F(IioDriverTest, ADeviceIsFoundAnewUnderAnotherNumber) {
  Start("rescan = \"1s\"\n[[buffer]]\ndevice = \"mcp3008\"\nperiod = \"100ms\"\n");
  tree_.Measure(Stamped({3, 0, 4, 0, 0, 0, 0, 0}, NowNs(CLOCK_REALTIME)));
  loop_.Run(milliseconds(100));
  tree_.Unplug();
  loop_.Run(milliseconds(100));
  EXPECT_EQ(sink_.Last("t/mcp3008/voltage0").quality, Quality::kBad);
  const std::string devices = tree_.root() + "/sys/bus/iio/devices/";
  fs::rename(devices + "iio:device0", devices + "iio:device3");
  tree_.PlugIn();
  fs::rename(tree_.node(), tree_.root() + "/dev/iio:device3");
  loop_.Run(seconds(2));
  tree_.Measure(Stamped({7, 0, 8, 0, 0, 0, 0, 0}, NowNs(CLOCK_REALTIME)));
  loop_.Run(seconds(1));
  EXPECT_EQ(sink_.Last("t/mcp3008/voltage0").value, Value(7.0));
  EXPECT_EQ(sink_.Last("t/mcp3008/voltage0").quality, Quality::kGood);
}

TEST_F(IioDriverTest, ADeviceThatCanNotBeHadIsTriedLessAndLessOften) {
  tree_.Unplug();
  Start("[[buffer]]\ndevice = \"mcp3008\"\nperiod = \"100ms\"\n");
  loop_.Run(seconds(1));
  ASSERT_EQ(driver_->parts().size(), 1u);
  EXPECT_EQ(driver_->parts()[0].state, "open");
  EXPECT_THAT(driver_->parts()[0].last_error, HasSubstr("/dev/iio:device0"));
  EXPECT_LT(Errors().size(), 10u) << "not with every poll";
  tree_.PlugIn();
  loop_.Run(seconds(120));
  EXPECT_EQ(driver_->parts()[0].state, "ok");
}

TEST_F(IioDriverTest, AReadIsAnsweredByTheNewestScan) {
  Start("[[buffer]]\ndevice = \"mcp3008\"\n");
  tree_.Measure(Stamped({3, 0, 4, 0, 0, 0, 0, 0}, NowNs(CLOCK_REALTIME)));
  std::optional<Value> answer;
  ASSERT_TRUE(driver_->Read(sink_.IdOf("t/mcp3008/voltage1"), [&](Result<Value> value) {
    if (value) answer = *value;
  }));
  while (!answer) loop_.Run(milliseconds(1));
  EXPECT_EQ(*answer, Value(4.0));
}

TEST_F(IioDriverTest, AtMostSoManyBuffersAreConfigured) {
  std::string options;
  for (std::size_t i = 0; i <= kBuffersMax; ++i) {
    options += "[[buffer]]\ndevice = \"adc" + std::to_string(i) + "\"\n";
  }
  const auto node = driver::testing::ParseOptions(options);
  ConfigProblems problems;
  ConfigReader config(*node, "drivers.iio", problems);
  EXPECT_FALSE(driver_->Init(config));
  EXPECT_THAT(problems.ToString(), HasSubstr("buffer[64]: is one too many: at most 64"));
}

// Who stops the driver from below the sink gets no sample more.
class StoppingSink final : public driver::SampleSink {
 public:
  explicit StoppingSink(driver::SampleSink& sink) : sink_(&sink) {}
  driver::Driver* stops = nullptr;
  int samples = 0;

  Result<model::PropertyId> Define(model::PropertyDef def) override {
    return sink_->Define(std::move(def));
  }
  void Report(model::PropertyId, Value, Quality) override {}
  void ReportAt(model::PropertyId, model::Sample) override {
    ++samples;
    stops->Stop();
  }
  void ReportBad(model::PropertyId) override {}
  void Remove(model::PropertyId) override {}
  void Polled(std::string_view, std::chrono::microseconds, const Status&) override {}

 private:
  driver::SampleSink* sink_;
};

TEST_F(IioDriverTest, StopMayComeFromBelowASample) {
  const auto node = driver::testing::ParseOptions(
      "root = \"" + tree_.root() +
      "\"\nthing = \"t\"\n[[buffer]]\ndevice = \"mcp3008\"\nkeep = \"all\"\nperiod = \"100ms\"\n");
  ConfigProblems problems;
  prefix_ = "drivers.iio_stopped";
  ConfigReader config(*node, prefix_, problems);
  ASSERT_TRUE(driver_->Init(config));
  StoppingSink stopping(sink_);
  stopping.stops = driver_.get();
  ASSERT_TRUE(driver_->Start(loop_, stopping));
  loop_.Run(milliseconds(1));
  tree_.Measure(Stamped({1, 0, 0, 0, 0, 0, 0, 0}, NowNs(CLOCK_REALTIME)));
  tree_.Measure(Stamped({2, 0, 0, 0, 0, 0, 0, 0}, NowNs(CLOCK_REALTIME)));
  loop_.Run(milliseconds(200));
  EXPECT_EQ(stopping.samples, 1);
}

}  // namespace
}  // namespace edgetwin::iio
