// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The host driver on this machine, beside independent readings of the same facts.

#include "drivers/host/host_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <cmath>

#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

bool Init(HostDriver& driver, std::string_view options, ConfigProblems& problems) {
  const Result<ConfigNode> node = driver::testing::ParseOptions(options);
  EXPECT_TRUE(node) << node.error().text;
  ConfigReader config(*node, "drivers.host", problems);
  const bool ready = driver.Init(config);
  config.Finish();
  return ready;
}

// Polls this machine until there are two polls, so that rates have two readings.
class ThisMachineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ConfigProblems problems;
    ASSERT_TRUE(Init(driver_, "period = \"100ms\"", problems)) << problems.ToString();
    ASSERT_TRUE(driver_.Start(loop_, sink_));
    while (sink_.polls().size() < 2) loop_.RunFor(milliseconds(20));
    for (const auto& poll : sink_.polls()) EXPECT_TRUE(poll.result) << poll.result.error().text;
  }
  void TearDown() override { driver_.Stop(); }

  double Real(std::string_view path) { return sink_.Last(path).value.real(); }
  double Whole(std::string_view path) {
    return static_cast<double>(sink_.Last(path).value.integer());
  }

  SystemClock clock_;
  EventLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  HostDriver driver_;
};

TEST_F(ThisMachineTest, MemoryAgreesWithSysinfo) {
  struct sysinfo info {};
  ASSERT_EQ(sysinfo(&info), 0);
  EXPECT_EQ(Whole("host/memory/total_bytes"), static_cast<double>(info.totalram) * info.mem_unit);
  EXPECT_EQ(Whole("host/memory/swap_total_bytes"),
            static_cast<double>(info.totalswap) * info.mem_unit);
  EXPECT_GE(Whole("host/memory/available_bytes"), 0);
  EXPECT_LE(Whole("host/memory/available_bytes"), Whole("host/memory/total_bytes"));
}

TEST_F(ThisMachineTest, UptimeAndKernelAgreeWithTheSystemCalls) {
  struct sysinfo info {};
  ASSERT_EQ(sysinfo(&info), 0);
  EXPECT_NEAR(Whole("host/system/uptime_s"), static_cast<double>(info.uptime), 5);
  utsname name{};
  ASSERT_EQ(uname(&name), 0);
  EXPECT_EQ(sink_.Last("host/system/kernel").value.text(), name.release);
  EXPECT_GE(Whole("host/system/processes"), 2);
  EXPECT_GE(Whole("host/system/threads"), Whole("host/system/processes"));
}

TEST_F(ThisMachineTest, LoadAgreesWithTheCLibrary) {
  double loads[3];
  ASSERT_EQ(getloadavg(loads, 3), 3);
  EXPECT_NEAR(Real("host/load/15min"), loads[2], 1);
}

TEST_F(ThisMachineTest, EveryFilesystemAgreesWithStatvfs) {
  int checked = 0;
  for (const std::string& path : sink_.paths()) {
    if (!path.ends_with("/total_bytes") || !path.starts_with("host/disk/")) continue;
    const std::string source = sink_.DefOf(path).source;
    ASSERT_TRUE(source.starts_with("statvfs /")) << source;
    struct statvfs space {};
    ASSERT_EQ(statvfs(source.substr(8).c_str(), &space), 0) << source;
    EXPECT_EQ(Whole(path),
              static_cast<double>(space.f_blocks) * static_cast<double>(space.f_frsize));
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << "no filesystem on local storage is mounted here";
}

TEST_F(ThisMachineTest, EveryPercentageIsOne) {
  int checked = 0;
  for (const std::string& path : sink_.paths()) {
    if (!path.ends_with("_percent") || sink_.Last(path).value.none()) continue;
    EXPECT_GE(Real(path), 0) << path;
    EXPECT_LE(Real(path), 100) << path;
    ++checked;
  }
  EXPECT_GE(checked, 7);
}

TEST_F(ThisMachineTest, DoublesAreRoundedSoThatTheyShipAsSmallIntegers) {
  for (const std::string& path : sink_.paths()) {
    const model::Value& value = sink_.Last(path).value;
    if (value.type() != model::ValueType::kDouble) continue;
    EXPECT_TRUE(model::ScaleExactly(value.real(), *sink_.DefOf(path).decimals)) << path;
  }
}

TEST_F(ThisMachineTest, ABusyProcessShowsInTheProcessorsTime) {
  const int cores = get_nprocs();
  sink_.KeepLatestOnly();
  const std::size_t polls = sink_.polls().size();
  // Between two polls this thread spins for most of the period.
  while (sink_.polls().size() < polls + 3) {
    const MonoTime end = clock_.Now() + milliseconds(90);
    while (clock_.Now() < end) {
    }
    loop_.RunFor(milliseconds(5));
  }
  EXPECT_GE(Real("host/cpu/total_percent"), 40.0 / cores);
}

TEST_F(ThisMachineTest, WhoWantsItIsToldTheLineOfTheKernel) {
  EXPECT_THAT(sink_.RawOf("host/cpu/total_percent"), ::testing::StartsWith("cpu "));
  EXPECT_THAT(sink_.RawOf("host/memory/total_bytes"),
              ::testing::MatchesRegex("MemTotal: [0-9]+ kB"));
  EXPECT_EQ(sink_.RawOf("host/system/processes"), "") << "they are counted";
}

class HostDriverTest : public ::testing::Test {
 protected:
  ManualClock clock_;
  driver::testing::ManualLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  ConfigProblems problems_;
  HostDriver driver_;
};

TEST_F(HostDriverTest, APathOfAnotherInstanceIsNamedAndTheOthersAreReported) {
  ASSERT_TRUE(Init(driver_, "collect = [\"load\"]", problems_));
  sink_.ClaimElsewhere("host/load/5min");
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  ASSERT_EQ(sink_.polls().size(), 1u);
  EXPECT_EQ(driver::testing::CodeOf(sink_.polls()[0].result), ErrorCode::kConflict);
  EXPECT_FALSE(sink_.Has("host/load/5min"));
  EXPECT_FALSE(sink_.Last("host/load/1min").value.none());
  driver_.Stop();
}

TEST_F(HostDriverTest, WhoWantsItIsToldTheTextThatAValueIsMadeOf) {
  const std::string root =
      EDGETWIN_SOURCE_DIR "/drivers/host/testcases/an_x86_server_reports_all_its_subjects/input/2";
  ASSERT_TRUE(Init(driver_, "root = \"" + root + "\"", problems_)) << problems_.ToString();
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(20));  // Rates need two polls.
  const auto raw = [&](const std::string& path) { return sink_.RawOf("host/" + path); };
  EXPECT_EQ(raw("load/5min"), "0.55 0.58 0.59 2/468 41234");
  EXPECT_EQ(raw("memory/available_bytes"), "MemAvailable: 12227568 kB");
  EXPECT_EQ(raw("memory/total_bytes"), "MemTotal: 16303424 kB");
  EXPECT_EQ(raw("net/eno1/rx_dropped"),
            "eno1: 9877793210 12347241 0 13 0 0 0 0 1234580235 1543225 3 0 0 0 0 0");
  EXPECT_EQ(raw("net/eno1/up"), "up");
  EXPECT_EQ(
      raw("diskio/sda/read_bytes_per_s"),
      "8 0 sda 5627560 0 90040960 2251024 3125128 0 50002048 1666734 0 702500 1405000 0 0 0 0 0 0");
  EXPECT_EQ(raw("temperature/coretemp_Core_8"), "49500");
  EXPECT_EQ(raw("system/uptime_s"), "902355.34 3512345.67");
  EXPECT_EQ(raw("system/threads"), "0.55 0.58 0.59 2/468 41234");
  EXPECT_EQ(raw("system/processes"), "");
  EXPECT_EQ(raw("disk/root/total_bytes"), "") << "statvfs gives numbers";
  driver_.Stop();
}

TEST_F(HostDriverTest, ALongOrStrangeLineIsToldAsFarAsItCanBe) {
  const driver::PolicyRules rules;
  Metrics metrics(sink_, "host", rules);
  const Metric metric = metrics.Define("a", {}, "");
  metrics.Says("\xff");
  metrics.Report(metric, 1);
  EXPECT_EQ(sink_.RawOf("host/a"), "?");
  metrics.Says("\xff " + std::string(300, 'x') + " y");
  metrics.Report(metric, 1);
  EXPECT_EQ(sink_.RawOf("host/a"), "? " + std::string(98, 'x') + "…");
}

TEST_F(HostDriverTest, CollectsOnlyWhatItIsToldTo) {
  ASSERT_TRUE(Init(driver_, "collect = [\"load\", \"load\"]", problems_));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  EXPECT_EQ(sink_.paths().size(), 3u);
  EXPECT_EQ(sink_.reports(), 3u) << "a subject that is named twice is collected once";
  driver_.Stop();
}

TEST_F(HostDriverTest, AnEmptyListOfSubjectsIsAProblem) {
  EXPECT_FALSE(Init(driver_, "collect = []", problems_));
  EXPECT_THAT(problems_.ToString(), HasSubstr("nothing is to be collected"));
}

TEST_F(HostDriverTest, StartsAgainAfterStop) {
  ASSERT_TRUE(Init(driver_, "", problems_));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(driver_.Start(loop_, sink_));
    loop_.Run(seconds(2));
    driver_.Stop();
    EXPECT_EQ(loop_.pending(), 0u);
  }
  sink_.Revoke();
  loop_.Run(seconds(10));
}

TEST_F(HostDriverTest, LeavesNoDescriptorsOpenAfterStop) {
  const std::size_t before = sysfs::ListFolder("/proc/self/fd")->size();
  ASSERT_TRUE(Init(driver_, "", problems_));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(2));
  EXPECT_GT(sysfs::ListFolder("/proc/self/fd")->size(), before) << "files stay open between polls";
  driver_.Stop();
  EXPECT_EQ(sysfs::ListFolder("/proc/self/fd")->size(), before);
}

}  // namespace
}  // namespace edgetwin::host
