// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/w1/w1_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace edgetwin::w1 {
namespace {

using driver::PollStep;
using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr milliseconds kMeasuring{750};
constexpr milliseconds kTransfer{15};

// A bus on which time passes as on a real one: reading measures, unless all have measured together.
struct FakeBus {
  std::map<std::string, std::deque<Result<std::string>>> answers;  // By path; the last one stays.
  std::map<std::string, int> reads;
  Status may_write;
  int triggers = 0;
  bool measured = false;
  ManualClock clock;

  void Say(const std::string& path, std::vector<Result<std::string>> texts) {
    answers[path] = {texts.begin(), texts.end()};
  }
};

class FakeFiles final : public W1Files {
 public:
  explicit FakeFiles(FakeBus& bus) : bus_(&bus) {}
  Result<std::string> Read(const std::string& path) override {
    ++bus_->reads[path];
    if (!path.ends_with("therm_bulk_read")) {
      bus_->clock.Advance(bus_->measured ? kTransfer : kMeasuring + kTransfer);
    }
    auto& answers = bus_->answers[path];
    if (answers.empty()) return NotFound(path + ": No such file or directory");
    const Result<std::string> answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    return answer;
  }
  Status Write(const std::string&, std::string_view) override {
    if (!bus_->may_write) return bus_->may_write;
    ++bus_->triggers;
    bus_->measured = true;
    return {};
  }
  MonoTime Now() const override { return bus_->clock.Now(); }
  void Wait(milliseconds time) override { bus_->clock.Advance(time); }
  void Interrupt() override {}

 private:
  FakeBus* bus_;
};

constexpr char kId[] = "28-000000000001";

W1Sensor Sensor(const std::string& id) {
  return {id, "/w1/" + id, true, false, *FamilyOf(id), 2};
}

class W1BusTest : public ::testing::Test {
 protected:
  void Open(std::vector<W1Sensor> sensors, std::string bulk = "") {
    W1Master master{std::move(sensors), std::move(bulk), seconds(10)};
    bus_ = std::make_unique<W1Bus>(master, std::make_unique<FakeFiles>(world_), 1);
  }

  // A whole poll: its readings together, and its last status.
  PollStep PollAll() {
    PollStep whole;
    int steps = 0;
    for (bool first = true; first || whole.more; first = false) {
      PollStep step = bus_->Poll(0, first, MonoTime());
      for (auto& reading : step.readings) whole.readings.push_back(std::move(reading));
      whole.status = step.status;
      whole.answered = step.answered;
      whole.more = step.more;
      if (++steps > 1'000) {
        ADD_FAILURE() << "the poll has no end";
        break;
      }
    }
    world_.measured = false;
    return whole;
  }

  FakeBus world_;
  std::unique_ptr<W1Bus> bus_;
};

TEST_F(W1BusTest, WhoWantsItIsToldWhatTheSensorSaid) {
  Open({Sensor(kId)});
  world_.Say("/w1/28-000000000001/temperature", {"21500"});
  EXPECT_EQ(PollAll().readings.at(0).raw, "");
  bus_->WantRaw();
  EXPECT_EQ(PollAll().readings.at(0).raw, "21500");
}

TEST_F(W1BusTest, EightyFiveDegreesAreAskedForAgainAndTheSecondAnswerCounts) {
  Open({Sensor(kId)});
  const std::string path = "/w1/28-000000000001/temperature";
  world_.Say(path, {"85000", "21500"});
  const PollStep step = PollAll();
  ASSERT_EQ(step.readings.size(), 1u);
  EXPECT_EQ(step.readings[0].value, Value(21.5));
  EXPECT_EQ(step.readings[0].quality, Quality::kGood);
  EXPECT_EQ(world_.reads[path], 2);
}

TEST_F(W1BusTest, EightyFiveDegreesThatNobodyConfirmsAreBad) {
  Open({Sensor(kId)});
  world_.Say("/w1/28-000000000001/temperature", {"85000", Unavailable("Input/output error")});
  const PollStep step = PollAll();
  EXPECT_TRUE(step.readings.at(0).value.none());
  EXPECT_FALSE(step.status);
}

TEST_F(W1BusTest, EightyFiveDegreesTwiceAreATemperature) {
  Open({Sensor(kId)});
  world_.Say("/w1/28-000000000001/temperature", {"85000"});
  const PollStep step = PollAll();
  EXPECT_EQ(step.readings.at(0).value, Value(85.0));
  EXPECT_EQ(step.readings.at(0).quality, Quality::kGood);
}

TEST_F(W1BusTest, EightyFiveDegreesTwiceAreDoubtfulFarFromWhatWas) {
  Open({Sensor(kId)});
  const std::string path = "/w1/28-000000000001/temperature";
  world_.Say(path, {"21500"});
  PollAll();
  world_.Say(path, {"85000"});
  EXPECT_EQ(PollAll().readings.at(0).quality, Quality::kUncertain);
  EXPECT_EQ(PollAll().readings.at(0).quality, Quality::kUncertain) << "it stays what it is";
  world_.Say(path, {"84937"});
  PollAll();
  world_.Say(path, {"85000"});
  EXPECT_EQ(PollAll().readings.at(0).quality, Quality::kGood);
}

TEST_F(W1BusTest, ZeroDegreesOfAShortedBusAreBadAndOfAnIceBathGood) {
  W1Sensor sensor = Sensor(kId);
  sensor.has_slave = true;
  Open({sensor});
  world_.Say("/w1/28-000000000001/temperature", {"0"});
  world_.Say("/w1/28-000000000001/w1_slave",
             {"00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0"});
  EXPECT_TRUE(PollAll().readings.at(0).value.none());
  world_.Say("/w1/28-000000000001/w1_slave",
             {"00 00 4b 46 7f ff 0c 10 1c : crc=1c YES\n00 00 4b 46 7f ff 0c 10 1c t=0"});
  EXPECT_EQ(PollAll().readings.at(0).value, Value(0.0));
}

TEST_F(W1BusTest, FiftySensorsThatMeasureTogetherTakeSecondsInsteadOfMost) {
  std::vector<W1Sensor> sensors;
  for (int i = 10; i < 60; ++i) {
    sensors.push_back(Sensor("28-0000000000" + std::to_string(i)));
    world_.Say(sensors.back().folder + "/temperature", {std::to_string(1'000 * i)});
  }
  Open(sensors, "/w1/therm_bulk_read");
  world_.Say("/w1/therm_bulk_read", {"-1", "-1", "-1", "1"});
  const MonoTime begin = world_.clock.Now();
  const PollStep step = PollAll();
  EXPECT_TRUE(step.status);
  ASSERT_EQ(step.readings.size(), 50u);
  EXPECT_EQ(step.readings[49].value, Value(59.0));
  EXPECT_EQ(world_.triggers, 1);
  EXPECT_EQ(world_.clock.Now() - begin, milliseconds(750) + 50 * kTransfer);
}

TEST_F(W1BusTest, AMeasurementThatNeverEndsIsNotWaitedFor) {
  Open({Sensor(kId), Sensor("28-000000000002")}, "/w1/therm_bulk_read");
  world_.Say("/w1/therm_bulk_read", {"-1"});
  for (const char* id : {"28-000000000001", "28-000000000002"}) {
    world_.Say(std::string("/w1/") + id + "/temperature", {""});
  }
  const MonoTime begin = world_.clock.Now();
  const PollStep step = PollAll();
  EXPECT_LE(world_.clock.Now() - begin, seconds(3));
  EXPECT_THAT(step.status.error().text, HasSubstr("no value yet"));
}

TEST_F(W1BusTest, WithoutLeaveToTriggerEachSensorMeasuresByItself) {
  Open({Sensor(kId), Sensor("28-000000000002")}, "/w1/therm_bulk_read");
  world_.may_write = MakeError(ErrorCode::kPermission, "Permission denied");
  world_.Say("/w1/28-000000000001/temperature", {"20000"});
  world_.Say("/w1/28-000000000002/temperature", {"21000"});
  for (int poll = 0; poll < 2; ++poll) {
    const PollStep step = PollAll();
    EXPECT_TRUE(step.status);
    EXPECT_EQ(step.readings.at(1).value, Value(21.0));
  }
  EXPECT_EQ(bus_->bulk_conversions(), 0u);
}

TEST_F(W1BusTest, AnOnlySensorIsNotTriggered) {
  Open({Sensor(kId)}, "/w1/therm_bulk_read");
  world_.Say("/w1/28-000000000001/temperature", {"20000"});
  PollAll();
  EXPECT_EQ(world_.triggers, 0);
}

TEST_F(W1BusTest, ASensorThatKeepsFailingIsTriedSeldomAndItsNeighbourAlways) {
  Open({Sensor(kId), Sensor("28-000000000002")});
  const std::string dead = "/w1/28-000000000001/temperature";
  const std::string alive = "/w1/28-000000000002/temperature";
  world_.Say(dead, {Unavailable("Input/output error")});
  world_.Say(alive, {"21000"});
  for (int poll = 0; poll < 60; ++poll) {
    world_.clock.Advance(seconds(10));
    const PollStep step = PollAll();
    EXPECT_TRUE(step.answered);
    EXPECT_FALSE(step.status) << "what isn't tried is still missing";
    EXPECT_TRUE(step.readings.at(0).value.none());
    EXPECT_EQ(step.readings.at(1).value, Value(21.0));
  }
  EXPECT_EQ(world_.reads[alive], 60);
  EXPECT_LE(world_.reads[dead], 30);
  EXPECT_GE(world_.reads[dead], 4) << "it is tried again";
  world_.Say(dead, {"20000"});
  bool back = false;
  for (int poll = 0; poll < 70 && !back; ++poll) {
    world_.clock.Advance(seconds(10));
    back = PollAll().readings.at(0).value == Value(20.0);
  }
  EXPECT_TRUE(back);
}

TEST_F(W1BusTest, ABusWhoseSensorsAreAllSilentDoesNotAnswer) {
  Open({Sensor(kId)});
  world_.Say("/w1/28-000000000001/temperature", {Unavailable("Input/output error")});
  EXPECT_FALSE(PollAll().answered);
  world_.Say("/w1/28-000000000001/temperature", {"nonsense"});
  EXPECT_TRUE(PollAll().answered);
}

TEST_F(W1BusTest, ASensorOfAnOldKernelIsReadByItsSlaveText) {
  W1Sensor sensor = Sensor(kId);
  sensor.has_temperature = false;
  sensor.has_slave = true;
  Open({sensor});
  world_.Say("/w1/28-000000000001/w1_slave",
             {"72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125"});
  EXPECT_EQ(PollAll().readings.at(0).value, Value(23.13));
}

TEST_F(W1BusTest, ASingleReadGivesOneSensorAndItsErrorIsNotTheBuses) {
  Open({Sensor(kId)});
  world_.Say("/w1/28-000000000001/temperature", {"21500"});
  EXPECT_EQ(*bus_->Read(0, MonoTime()).value, Value(21.5));
  world_.Say("/w1/28-000000000001/temperature", {"127937"});
  const driver::BusAnswer answer = bus_->Read(0, MonoTime());
  EXPECT_TRUE(answer.answered);
  EXPECT_THAT(answer.value.error().text, HasSubstr("can measure"));
}

}  // namespace
}  // namespace edgetwin::w1
