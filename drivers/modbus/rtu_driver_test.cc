// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The driver on a serial line, against libmodbus's RTU server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "drivers/modbus/modbus_driver.h"
#include "drivers/modbus/testing/rtu_server.h"
#include "drivers/sdk/blocking_driver.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/pty.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::driver {
namespace {

using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::Pty;
using testing::RecordingSink;
using testing::RtuBytes;
using testing::RtuServer;

std::string Register(const std::string& name, const std::string& keys) {
  return "[[unit.register]]\nname = \"" + name + "\"\n" + keys + "\n";
}

std::string Unit(int id, const std::string& registers, const std::string& keys = "") {
  return "[[unit]]\nid = " + std::to_string(id) + "\nthing = \"u" + std::to_string(id) + "\"\n" +
         keys + registers;
}

const std::string kLevel = Register("level", "kind = \"input\"\naddress = 7");
const std::string kSlow = "period = \"1h\"\ntimeout = \"20s\"\n";
const std::string kFast = "period = \"20ms\"\ntimeout = \"20s\"\n";

// One instance, with the loop it runs on.
class Instance {
 public:
  Instance(std::string name, EventLoop& loop) : name_("drivers." + std::move(name)), loop_(loop) {}
  ~Instance() {
    if (driver_) driver_->Stop();
    while (BlockingDriver::ThreadLives(name_)) std::this_thread::yield();
  }

  void Start(const std::string& device, const std::string& units, const std::string& keys) {
    const Result<ConfigNode> node =
        testing::ParseOptions("device = \"" + device + "\"\n" + keys + units);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader reader(*node, name_, problems);
    driver_ = ModbusKind().make();
    ASSERT_TRUE(driver_->Init(reader)) << problems.ToString();
    reader.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
  }

  // Whether `condition` came true within a minute of running the loop.
  bool RunUntil(const std::function<bool()>& condition) {
    const MonoTime end = clock_.Now() + seconds(60);
    while (!condition()) {
      if (clock_.Now() > end) return false;
      loop_.RunFor(milliseconds(2));
    }
    return true;
  }
  bool AwaitSamples(std::string_view path, std::size_t count) {
    return RunUntil([&] { return sink_.Samples(path).size() >= count; });
  }
  Result<Value> Write(std::string_view path, Value value) {
    std::optional<Result<Value>> result;
    const Status queued =
        driver_->Write(sink_.IdOf(path), value, [&](auto r) { result = std::move(r); });
    if (!queued) return queued.error();
    if (!RunUntil([&] { return result.has_value(); })) return TimedOut("the test waited in vain");
    return *result;
  }
  PartStatus part(std::size_t index) { return driver_->parts().at(index); }
  RecordingSink& sink() { return sink_; }
  Driver& driver() { return *driver_; }
  const std::string& name() const { return name_; }

 private:
  const std::string name_;
  SystemClock clock_;
  EventLoop& loop_;
  RecordingSink sink_{clock_};
  std::unique_ptr<Driver> driver_;
};

class RtuDriverTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  EventLoop loop_{clock_};
  Pty pty_;
  std::unique_ptr<RtuServer> server_ = std::make_unique<RtuServer>(pty_.fd());
  Instance line_{::testing::UnitTest::GetInstance()->current_test_info()->name(), loop_};
};

TEST_F(RtuDriverTest, ReadsEveryTableOfEveryUnit) {
  const std::string registers =
      Register("holding", "kind = \"holding\"\naddress = 3\ntype = \"uint32\"") +
      Register("input", "kind = \"input\"\naddress = 9") +
      Register("coil", "kind = \"coil\"\naddress = 11") +
      Register("coil10", "kind = \"coil\"\naddress = 10") +
      Register("discrete", "kind = \"discrete\"\naddress = 17");
  line_.Start(pty_.device(), Unit(1, registers) + Unit(2, registers) + Unit(3, registers), kSlow);
  for (int unit = 1; unit <= 3; ++unit) {
    const std::string thing = "u" + std::to_string(unit);
    ASSERT_TRUE(line_.AwaitSamples(thing + "/discrete", 1));
    const std::int64_t first = 100 * unit + 3;
    EXPECT_EQ(line_.sink().Last(thing + "/holding").value, Value((first << 16) + first + 1));
    EXPECT_EQ(line_.sink().Last(thing + "/input").value, Value(std::int64_t{100 * unit + 9}));
    EXPECT_EQ(line_.sink().Last(thing + "/coil").value, Value(true));
    EXPECT_EQ(line_.sink().Last(thing + "/coil10").value, Value(false));
    EXPECT_EQ(line_.sink().Last(thing + "/discrete").value, Value(true));
  }
}

TEST_F(RtuDriverTest, WritesWithEachFunctionAndReadsBack) {
  const auto holding = [](const std::string& name, int address, const std::string& keys) {
    return Register(name, "writable = true\nkind = \"holding\"\naddress = " +
                              std::to_string(address) + "\n" + keys);
  };
  const std::string coil = Register("relay", "writable = true\nkind = \"coil\"\naddress = 5");
  line_.Start(pty_.device(),
              Unit(1, holding("u16", 0, "") + holding("i32", 1, "type = \"int32\"") +
                          holding("flag", 11, "type = \"bool\"\nbit = 10") + coil) +
                  Unit(2, holding("u16", 0, "") + coil, "write_multiple = true\n"),
              kSlow);
  ASSERT_TRUE(line_.AwaitSamples("u2/relay", 1));
  EXPECT_EQ(*line_.Write("u1/u16", Value(std::int64_t{65'535})), Value(std::int64_t{65'535}));
  EXPECT_EQ(server_->Holding(1, 0), 65'535);
  EXPECT_EQ(*line_.Write("u1/i32", Value(std::int64_t{-70'000})), Value(std::int64_t{-70'000}));
  EXPECT_EQ(server_->Holding(1, 2), 0xee90);
  EXPECT_EQ(*line_.Write("u1/flag", Value(true)), Value(true));
  EXPECT_EQ(server_->Holding(1, 11), 111 | 1 << 10);  // The other bits stay.
  EXPECT_EQ(*line_.Write("u1/relay", Value(false)), Value(false));
  EXPECT_EQ(*line_.Write("u2/u16", Value(std::int64_t{7})), Value(std::int64_t{7}));
  EXPECT_EQ(*line_.Write("u2/relay", Value(false)), Value(false));
  std::vector<int> functions;
  for (const auto& request : server_->requests()) {
    if (request.bytes[1] > 4) functions.push_back(request.bytes[1]);
  }
  EXPECT_EQ(functions, (std::vector<int>{6, 16, 22, 5, 16, 15}));
}

TEST_F(RtuDriverTest, AnExceptionIsAnAnswer) {
  line_.Start(pty_.device(), Unit(1, kLevel + Register("none", "kind = \"input\"\naddress = 99")),
              kFast);
  ASSERT_TRUE(line_.AwaitSamples("u1/level", 5));
  EXPECT_EQ(line_.sink().Last("u1/none").quality, Quality::kBad);
  EXPECT_EQ(line_.part(0).last_error,
            "unit 1: exception 2 (illegal data address) reading input 99");
  EXPECT_EQ(line_.part(0).state, "failing");
}

TEST_F(RtuDriverTest, ADeadUnitIsLeftAloneAndItsNeighboursAreRead) {
  line_.Start(pty_.device(), Unit(1, kLevel) + Unit(9, kLevel) + Unit(3, kLevel),
              "period = \"20ms\"\ntimeout = \"600ms\"\n");
  ASSERT_TRUE(line_.RunUntil([&] { return line_.part(1).state == "open"; }));
  const std::size_t before = line_.sink().Samples("u1/level").size();
  ASSERT_TRUE(line_.AwaitSamples("u1/level", before + 10));
  EXPECT_THAT(line_.part(1).last_error, HasSubstr("unit 9: no answer reading input 7"));
  EXPECT_EQ(line_.sink().Last("u9/level").quality, Quality::kBad);
  EXPECT_EQ(line_.sink().Last("u3/level").value, Value(std::int64_t{307}));
}

TEST_F(RtuDriverTest, AnAdapterIsUnpluggedAndPluggedInAgain) {
  line_.Start(pty_.device(), Unit(1, kLevel) + Unit(2, kLevel),
              kFast + "breaker_max = \"100ms\"\n");
  ASSERT_TRUE(line_.AwaitSamples("u2/level", 2));
  for (int round = 0; round < 3; ++round) {
    server_.reset();
    pty_.Unplug();
    ASSERT_TRUE(line_.RunUntil([&] {
      return line_.part(0).state == "open" && line_.part(1).state == "open" &&
             line_.part(0).last_error.find("can't be opened") != std::string::npos;
    }));
    EXPECT_EQ(line_.part(0).last_error,
              "unit 1: " + pty_.device() + " can't be opened: No such file or directory");
    EXPECT_EQ(line_.sink().Last("u1/level").quality, Quality::kBad);
    // Never a spin: no more polls than there were periods.
    const std::size_t polls = line_.sink().polls().size();
    const MonoTime begin = clock_.Now();
    loop_.RunFor(milliseconds(200));
    const auto periods = static_cast<std::size_t>((clock_.Now() - begin) / milliseconds(20));
    EXPECT_LE(line_.sink().polls().size(), polls + 2 * (periods + 1));
    pty_.Plug();
    server_ = std::make_unique<RtuServer>(pty_.fd());
    ASSERT_TRUE(line_.RunUntil([&] {
      return line_.sink().Last("u1/level").quality == Quality::kGood &&
             line_.sink().Last("u2/level").quality == Quality::kGood;
    }));
  }
}

TEST_F(RtuDriverTest, UnpluggingWhileAnAnswerIsAwaitedIsNoticedAtOnce) {
  server_->SetLine([](const RtuBytes&, const RtuBytes&) { return std::vector<RtuBytes>(); });
  line_.Start(pty_.device(), Unit(1, kLevel), "period = \"1h\"\ntimeout = \"60s\"\n");
  ASSERT_TRUE(line_.RunUntil([&] { return server_->CountRequests(1) == 1; }));
  server_.reset();
  pty_.Unplug();
  const MonoTime begin = clock_.Now();
  ASSERT_TRUE(line_.RunUntil([&] { return !line_.part(0).last_error.empty(); }));
  EXPECT_LT(clock_.Now() - begin, seconds(30));
  EXPECT_EQ(line_.part(0).last_error, "unit 1: " + pty_.device() + " is gone");
}

TEST_F(RtuDriverTest, APortHasOneInstanceWhicheverNameItHas) {
  line_.Start(pty_.device(), Unit(1, kLevel), kFast);
  ASSERT_TRUE(line_.AwaitSamples("u1/level", 1));
  Instance other(line_.name().substr(8) + "Other", loop_);
  other.Start(pty_.target(), Unit(2, kLevel), kFast);
  ASSERT_TRUE(other.RunUntil([&] { return !other.part(0).last_error.empty(); }));
  EXPECT_EQ(other.part(0).last_error, "unit 2: " + pty_.target() + " can't be " + other.name() +
                                          "'s: it is in use by " + line_.name());
  EXPECT_EQ(line_.driver().exclusive(), pty_.device());
}

TEST_F(RtuDriverTest, StopIsPromptWhileAnAnswerIsAwaited) {
  server_->SetLine([](const RtuBytes&, const RtuBytes&) { return std::vector<RtuBytes>(); });
  line_.Start(pty_.device(), Unit(1, kLevel), "period = \"1h\"\ntimeout = \"60s\"\n");
  ASSERT_TRUE(line_.RunUntil([&] { return server_->CountRequests(1) == 1; }));
  const MonoTime begin = clock_.Now();
  line_.driver().Stop();
  line_.sink().Revoke();
  while (BlockingDriver::ThreadLives(line_.name())) std::this_thread::yield();
  EXPECT_LT(clock_.Now() - begin, seconds(30));
}

TEST_F(RtuDriverTest, AUnitIsLeftItsGap) {
  std::string registers;
  for (int i = 0; i < 5; ++i) {
    registers += Register("r" + std::to_string(i),
                          "kind = \"holding\"\naddress = " + std::to_string(10 * i));
  }
  line_.Start(pty_.device(), Unit(1, registers, "request_gap = \"50ms\"\n"), kSlow);
  ASSERT_TRUE(line_.AwaitSamples("u1/r4", 1));
  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 5u);
  for (std::size_t i = 1; i < requests.size(); ++i) {
    EXPECT_GE(requests[i].time - requests[i - 1].time, milliseconds(50));
  }
}

TEST_F(RtuDriverTest, WhatThePortCannotDoIsSaid) {
  line_.Start(pty_.device(), Unit(1, kLevel), kFast + "rs485 = true\n");
  ASSERT_TRUE(line_.RunUntil([&] { return !line_.part(0).last_error.empty(); }));
  EXPECT_THAT(line_.part(0).last_error,
              HasSubstr("can't switch to RS-485 (TIOCSRS485: Inappropriate ioctl for device)"));
  Instance even(line_.name().substr(8) + "Even", loop_);
  line_.driver().Stop();
  while (BlockingDriver::ThreadLives(line_.name())) std::this_thread::yield();
  even.Start(pty_.device(), Unit(1, kLevel), kFast + "parity = \"even\"\n");
  ASSERT_TRUE(even.RunUntil([&] { return !even.part(0).last_error.empty(); }));
  EXPECT_THAT(even.part(0).last_error, HasSubstr("can't be set to 9600 8E1"));
}

}  // namespace
}  // namespace edgetwin::driver
