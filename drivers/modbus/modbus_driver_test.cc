// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The driver against the plant's Modbus server, over real sockets.

#include "drivers/modbus/modbus_driver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "drivers/sdk/blocking_driver.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "tests/plant/running_plant.h"
#include "twin/base/event_loop.h"

namespace edgetwin::driver {
namespace {

using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::RecordingSink;
using tests::Fault;
using tests::PlantRequest;
using tests::RunningPlant;

std::string Register(const std::string& name, const std::string& keys) {
  return "[[unit.register]]\nname = \"" + name + "\"\n" + keys + "\n";
}

std::string Unit(int id, const std::string& registers, const std::string& keys = "") {
  return "[[unit]]\nid = " + std::to_string(id) + "\nthing = \"u" + std::to_string(id) + "\"\n" +
         keys + registers;
}

const std::string kLevel = Register("level", "kind = \"input\"\naddress = 0\ntype = \"float32\"");

class ModbusDriverTest : public ::testing::Test {
 protected:
  ModbusDriverTest() {
    name_ =
        std::string("drivers.") + ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  ~ModbusDriverTest() override {
    if (driver_) driver_->Stop();
    while (BlockingDriver::ThreadLives(name_)) std::this_thread::yield();
  }

  void Start(const std::string& units,
             const std::string& keys = "period = \"20ms\"\ntimeout = \"10s\"\n",
             const std::string& host = "127.0.0.1") {
    port_ = plant_ ? (*plant_)->port() : port_;
    const std::string text =
        "endpoint = \"tcp://" + host + ":" + std::to_string(port_) + "\"\n" + keys + units;
    const Result<ConfigNode> node = testing::ParseOptions(text);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader reader(*node, name_, problems);
    driver_ = ModbusKind().make();
    ASSERT_TRUE(driver_->Init(reader)) << problems.ToString();
    reader.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
  }

  // Whether `condition` came true within twenty seconds of running the loop.
  bool RunUntil(const std::function<bool()>& condition) {
    const MonoTime end = clock_.Now() + seconds(20);
    while (!condition()) {
      if (clock_.Now() > end) return false;
      loop_.RunFor(milliseconds(2));
    }
    return true;
  }
  bool AwaitSamples(std::string_view path, std::size_t count) {
    return RunUntil([&] { return sink_.Samples(path).size() >= count; });
  }
  Value Latest(std::string_view path) { return sink_.Last(path).value; }
  Quality QualityOf(std::string_view path) { return sink_.Last(path).quality; }
  PartStatus PartOf(std::size_t index) { return driver_->parts().at(index); }

  Result<Value> Write(std::string_view path, Value value) {
    std::optional<Result<Value>> result;
    const Status queued =
        driver_->Write(sink_.IdOf(path), value, [&](auto r) { result = std::move(r); });
    if (!queued) return queued.error();
    if (!RunUntil([&] { return result.has_value(); })) return TimedOut("the test waited in vain");
    return *result;
  }
  Result<Value> Read(std::string_view path) {
    std::optional<Result<Value>> result;
    const Status queued = driver_->Read(sink_.IdOf(path), [&](auto r) { result = std::move(r); });
    if (!queued) return queued.error();
    if (!RunUntil([&] { return result.has_value(); })) return TimedOut("the test waited in vain");
    return *result;
  }
  // The requests for a unit from the first write on, as "fc address+count".
  std::vector<std::string> SinceFirstWrite(int unit) {
    std::vector<std::string> result;
    for (const PlantRequest& request : (*plant_)->requests()) {
      const bool write = request.function > 4;
      if (request.unit != unit || (result.empty() && !write)) continue;
      result.push_back(std::to_string(request.function) + " " + std::to_string(request.address) +
                       "+" + std::to_string(request.count));
    }
    return result;
  }
  std::size_t CountRequests(int unit) {
    std::size_t count = 0;
    for (const PlantRequest& request : (*plant_)->requests()) count += request.unit == unit ? 1 : 0;
    return count;
  }

  SystemClock clock_;
  EventLoop loop_{clock_};
  RecordingSink sink_{clock_};
  std::unique_ptr<RunningPlant> plant_ = std::make_unique<RunningPlant>();
  std::uint16_t port_ = 0;
  std::string name_;
  std::unique_ptr<Driver> driver_;
};

constexpr const char* kSlowPeriod = "period = \"1h\"\ntimeout = \"10s\"\n";

TEST_F(ModbusDriverTest, ReadsEveryTypeInEveryOrder) {
  const auto input = [](const std::string& name, int address, const std::string& keys) {
    return Register(name, "kind = \"input\"\naddress = " + std::to_string(address) + "\n" + keys);
  };
  const std::string little_words = "\nword_order = \"little\"";
  const std::string little_bytes = "\nbyte_order = \"little\"";
  Start(Unit(4, input("u64", 4, "type = \"uint64\"") +
                    input("u64_little", 8, "type = \"uint64\"" + little_words) +
                    input("f64", 12, "type = \"float64\"") +
                    input("f64_little", 16, "type = \"float64\"" + little_words + little_bytes) +
                    input("text", 20, "type = \"string\"\nlength = 16") +
                    input("text_little", 28, "type = \"string\"\nlength = 16" + little_bytes) +
                    input("too_large", 36, "type = \"uint64\"") +
                    input("scaled_large", 36, "type = \"uint64\"\nscale = 2.0") +
                    input("i32", 40, "type = \"int32\"") + input("i64", 42, "type = \"int64\"") +
                    input("bit0", 46, "type = \"bool\"\nbit = 0") +
                    input("bit1", 46, "type = \"bool\"\nbit = 1") +
                    input("bit9", 46, "type = \"bool\"\nbit = 9") +
                    input("i16", 47, "type = \"int16\"") +
                    input("tenths", 47, "type = \"int16\"\nscale = 0.1") +
                    input("f32", 48, "type = \"float32\"" + little_words) +
                    Register("in0", "kind = \"discrete\"\naddress = 0") +
                    Register("in1", "kind = \"discrete\"\naddress = 1") +
                    Register("relay", "kind = \"coil\"\naddress = 3")));
  ASSERT_TRUE(AwaitSamples("u4/relay", 1));
  EXPECT_EQ(Latest("u4/u64"), Value(std::int64_t{5'000'000'000}));
  EXPECT_EQ(Latest("u4/u64_little"), Value(std::int64_t{5'000'000'000}));
  EXPECT_EQ(Latest("u4/f64"), Value(-1234.5678));
  EXPECT_EQ(Latest("u4/f64_little"), Value(-1234.5678));
  EXPECT_EQ(Latest("u4/text"), Value(std::string("EM-4000 Z\u00e4hler")));
  EXPECT_EQ(Latest("u4/text_little"), Value(std::string("EM-4000 Z\u00e4hler")));
  EXPECT_EQ(QualityOf("u4/too_large"), Quality::kBad);
  EXPECT_EQ(Latest("u4/scaled_large"), Value(36893488147419103232.0));
  EXPECT_EQ(Latest("u4/i32"), Value(std::int64_t{-70'000}));
  EXPECT_EQ(Latest("u4/i64"), Value(std::int64_t{-5'000'000'000}));
  EXPECT_EQ(Latest("u4/bit0"), Value(true));
  EXPECT_EQ(Latest("u4/bit1"), Value(false));
  EXPECT_EQ(Latest("u4/bit9"), Value(true));
  EXPECT_EQ(Latest("u4/i16"), Value(std::int64_t{-42}));
  EXPECT_EQ(Latest("u4/tenths"), Value(-4.2));
  EXPECT_EQ(Latest("u4/f32"), Value(3.25));
  EXPECT_EQ(Latest("u4/in0"), Value(true));
  EXPECT_EQ(Latest("u4/in1"), Value(false));
  EXPECT_EQ(Latest("u4/relay"), Value(false));
  EXPECT_THAT(PartOf(0).last_error, HasSubstr("unit 4: 18446744073709551615 in input 36 uint64"));
}

TEST_F(ModbusDriverTest, SaysWhatTheRegistersHold) {
  Start(Unit(
      4, Register("float",
                  "kind = \"input\"\naddress = 48\ntype = \"float32\"\n"
                  "word_order = \"little\"") +
             Register("signed",
                      "kind = \"input\"\naddress = 47\ntype = \"int16\"\n"
                      "scale = 0.1") +
             Register("text", "kind = \"input\"\naddress = 20\ntype = \"string\"\nlength = 18") +
             Register("odd", "kind = \"discrete\"\naddress = 1")));
  ASSERT_TRUE(AwaitSamples("u4/odd", 1) && AwaitSamples("u4/signed", 1));
  EXPECT_EQ(sink_.RawOf("u4/float"), "0x0000 0x4050");
  EXPECT_EQ(sink_.RawOf("u4/signed"), "0xffd6");
  EXPECT_EQ(sink_.RawOf("u4/text"), "0x454d 0x2d34 0x3030 0x3020 0x5ac3 0xa468 0x6c65 0x7200 …");
  EXPECT_EQ(sink_.RawOf("u4/odd"), "0");
}

TEST_F(ModbusDriverTest, AFloatThatIsNoNumberIsUncertain) {
  Start(Unit(
      4, Register("raw", "kind = \"holding\"\naddress = 0\ntype = \"uint32\"\nwritable = true") +
             Register("f32", "kind = \"holding\"\naddress = 0\ntype = \"float32\"")));
  ASSERT_TRUE(AwaitSamples("u4/f32", 1));
  EXPECT_EQ(QualityOf("u4/f32"), Quality::kGood);
  ASSERT_TRUE(Write("u4/raw", Value(std::int64_t{0x7fc00000})));
  EXPECT_TRUE(RunUntil([&] { return QualityOf("u4/f32") == Quality::kUncertain; }));
}

TEST_F(ModbusDriverTest, GroupsReadsOfATable) {
  std::string registers;
  for (int i = 0; i < 20; ++i) {
    registers += Register("r" + std::to_string(i),
                          "kind = \"holding\"\naddress = " + std::to_string(31 + i));
  }
  registers += Register("far", "kind = \"holding\"\naddress = 60");
  registers += Register("coil", "kind = \"coil\"\naddress = 1");
  Start(Unit(4, registers), kSlowPeriod);
  ASSERT_TRUE(AwaitSamples("u4/coil", 1));
  EXPECT_EQ(CountRequests(4), 3u);  // 31..50, 60 (nine addresses further), and the coil.
}

TEST_F(ModbusDriverTest, SmallerRequestsForDevicesThatChoke) {
  std::string registers;
  for (int i = 0; i < 20; ++i) {
    registers += Register("r" + std::to_string(i),
                          "kind = \"holding\"\naddress = " + std::to_string(31 + i));
  }
  Start(Unit(4, registers, "max_registers = 5\n"), kSlowPeriod);
  ASSERT_TRUE(AwaitSamples("u4/r19", 1));
  const std::vector<PlantRequest> requests = (*plant_)->requests();
  EXPECT_EQ(requests.size(), 4u);
  for (const PlantRequest& request : requests) EXPECT_EQ(request.count, 5);
}

TEST_F(ModbusDriverTest, AGapThatTheDeviceLacksIsCutOutAndRemembered) {
  std::string registers;
  for (const int address : {46, 47, 49, 52, 53}) {
    registers += Register("r" + std::to_string(address),
                          "kind = \"input\"\naddress = " + std::to_string(address));
  }
  Start(Unit(4, registers));
  ASSERT_TRUE(AwaitSamples("u4/r53", 5));
  EXPECT_EQ(Latest("u4/r53"), Value(std::int64_t{53}));
  EXPECT_EQ(Latest("u4/r47"), Value(std::int64_t{65'494}));
  EXPECT_EQ(PartOf(0).state, "ok");
  std::size_t whole = 0;
  for (const PlantRequest& request : (*plant_)->requests()) whole += request.count == 8 ? 1 : 0;
  EXPECT_EQ(whole, 1u);
}

TEST_F(ModbusDriverTest, OneBadRegisterDoesNotTakeItsNeighboursDown) {
  std::string registers;
  for (int address = 16; address < 24; ++address) {
    registers += Register("r" + std::to_string(address),
                          "kind = \"holding\"\naddress = " + std::to_string(address));
  }
  Start(Unit(4, registers));
  ASSERT_TRUE(AwaitSamples("u4/r23", 4));
  EXPECT_EQ(sink_.Samples("u4/r20").size(), 1u);
  EXPECT_EQ(QualityOf("u4/r20"), Quality::kBad);
  for (int address = 16; address < 24; ++address) {
    if (address == 20) continue;
    EXPECT_EQ(QualityOf("u4/r" + std::to_string(address)), Quality::kGood) << address;
  }
  EXPECT_EQ(PartOf(0).state, "failing");
  EXPECT_EQ(PartOf(0).last_error, "unit 4: exception 2 (illegal data address) reading holding 20");
}

TEST_F(ModbusDriverTest, WritesEachTypeAndReadsItBack) {
  const auto holding = [](const std::string& name, int address, const std::string& keys) {
    return Register(name, "writable = true\nkind = \"holding\"\naddress = " +
                              std::to_string(address) + "\n" + keys);
  };
  Start(Unit(4, holding("u16", 0, "") +
                    holding("i32", 1, "type = \"int32\"\nword_order = \"little\"") +
                    holding("f64", 3, "type = \"float64\"") +
                    holding("text", 7, "type = \"string\"\nlength = 7") +
                    holding("flag", 11, "type = \"bool\"\nbit = 10") + holding("flags", 11, "") +
                    holding("percent", 12, "scale = 0.1\noffset = -10") +
                    Register("relay", "writable = true\nkind = \"coil\"\naddress = 5")),
        kSlowPeriod);
  ASSERT_TRUE(AwaitSamples("u4/relay", 1));
  EXPECT_EQ(*Write("u4/u16", Value(std::int64_t{65'535})), Value(std::int64_t{65'535}));
  EXPECT_EQ((*plant_)->Holding(4, 0), 65'535);
  EXPECT_EQ(*Write("u4/i32", Value(std::int64_t{-70'000})), Value(std::int64_t{-70'000}));
  EXPECT_EQ((*plant_)->Holding(4, 1), 0xee90);
  EXPECT_EQ(*Write("u4/f64", Value(0.1)), Value(0.1));
  EXPECT_EQ(*Write("u4/text", Value(std::string("pump-7"))), Value(std::string("pump-7")));
  EXPECT_EQ(*Write("u4/flags", Value(std::int64_t{3})), Value(std::int64_t{3}));
  EXPECT_EQ(*Write("u4/flag", Value(true)), Value(true));
  EXPECT_EQ((*plant_)->Holding(4, 11), 3 | (1 << 10));  // The other bits stay.
  EXPECT_EQ(*Write("u4/percent", Value(12.34)), Value(12.3));
  EXPECT_EQ((*plant_)->Holding(4, 12), 223);
  EXPECT_EQ(*Write("u4/relay", Value(true)), Value(true));
  EXPECT_EQ((*plant_)->Coil(4, 5), 1);
  EXPECT_EQ(Latest("u4/relay"), Value(true));  // Known at once, an hour before the next poll.
  EXPECT_EQ(*Read("u4/percent"), Value(12.3));
  const std::vector<std::string> expected = {
      "6 0+1",  "3 0+1",   "16 1+2", "3 1+2",  "16 3+4", "3 3+4", "16 7+4", "3 7+4", "6 11+1",
      "3 11+1", "22 11+1", "3 11+1", "6 12+1", "3 12+1", "5 5+1", "1 5+1",  "3 12+1"};
  EXPECT_EQ(SinceFirstWrite(4), expected);
}

TEST_F(ModbusDriverTest, WritesWithTheMultipleFunctionsWhereTheDeviceLacksTheSingleOnes) {
  Start(Unit(4,
             Register("u16", "kind = \"holding\"\naddress = 0\nwritable = true") +
                 Register("relay", "kind = \"coil\"\naddress = 5\nwritable = true"),
             "write_multiple = true\n"),
        kSlowPeriod);
  ASSERT_TRUE(AwaitSamples("u4/relay", 1));
  EXPECT_EQ(*Write("u4/u16", Value(std::int64_t{7})), Value(std::int64_t{7}));
  EXPECT_EQ(*Write("u4/relay", Value(true)), Value(true));
  EXPECT_EQ(SinceFirstWrite(4), (std::vector<std::string>{"16 0+1", "3 0+1", "15 5+1", "1 5+1"}));
}

TEST_F(ModbusDriverTest, AWriteGivesWhatTheDeviceMadeOfIt) {
  Start(Unit(4, Register("u16", "kind = \"holding\"\naddress = 0\nwritable = true")), kSlowPeriod);
  ASSERT_TRUE(AwaitSamples("u4/u16", 1));
  (*plant_)->SetFault(4, Fault::kIgnoreWrites);
  EXPECT_EQ(*Write("u4/u16", Value(std::int64_t{9})), Value(std::int64_t{0}));
}

TEST_F(ModbusDriverTest, AWriteOnlyRegisterCountsAsWritten) {
  Start(Unit(4, Register("command", "kind = \"holding\"\naddress = 30\nwritable = true")),
        kSlowPeriod);
  ASSERT_TRUE(RunUntil([&] { return QualityOf("u4/command") == Quality::kBad; }));
  EXPECT_EQ(*Write("u4/command", Value(std::int64_t{4})), Value(std::int64_t{4}));
  EXPECT_EQ((*plant_)->Holding(4, 30), 4);
}

TEST_F(ModbusDriverTest, RefusedWritesSayWhyAndLeaveTheDeviceAlone) {
  Start(Unit(2, Register("speed", "kind = \"holding\"\naddress = 0\nwritable = true")) +
            Unit(3, Register("position",
                             "kind = \"holding\"\naddress = 0\nscale = 0.1\nwritable = true") +
                        Register("actual", "kind = \"input\"\naddress = 0")),
        kSlowPeriod);
  ASSERT_TRUE(AwaitSamples("u3/actual", 1));
  const Result<Value> too_fast = Write("u2/speed", Value(std::int64_t{3001}));
  ASSERT_FALSE(too_fast);
  EXPECT_EQ(too_fast.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(too_fast.error().text, "unit 2: exception 3 (illegal data value) writing holding 0");
  EXPECT_EQ((*plant_)->Holding(2, 0), 1500);
  const Result<Value> out_of_range = Write("u3/position", Value(7000.0));
  ASSERT_FALSE(out_of_range);
  EXPECT_THAT(out_of_range.error().text, HasSubstr("takes 0.0 to 6553.5"));
  const Result<Value> read_only = Write("u3/actual", Value(std::int64_t{1}));
  ASSERT_FALSE(read_only);
  EXPECT_EQ(read_only.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(PartOf(0).state, "ok");  // An exception to a write is no failing device.
}

TEST_F(ModbusDriverTest, AnUnpluggedUnitBehindAGatewayCostsOthersNothing) {
  (*plant_)->SetFault(6, Fault::kGatewayTarget);
  Start(Unit(1, kLevel) + Unit(5, kLevel) + Unit(6, kLevel) + Unit(7, kLevel));
  ASSERT_TRUE(AwaitSamples("u7/level", 50));
  EXPECT_GE(sink_.Samples("u1/level").size(), 49u);
  EXPECT_GE(sink_.Samples("u5/level").size(), 49u);
  EXPECT_EQ(sink_.Samples("u6/level").size(), 1u);
  EXPECT_EQ(QualityOf("u6/level"), Quality::kBad);
  EXPECT_EQ(PartOf(2).state, "open");
  EXPECT_EQ(PartOf(2).last_error,
            "unit 6: exception 11 (gateway target device failed to respond) reading input 0..1");
  EXPECT_LT(CountRequests(6), 20u);
  EXPECT_EQ((*plant_)->connections_accepted(), 1u);  // The exception keeps the connection.
}

TEST_F(ModbusDriverTest, AUnitThatNeverAnswersDelaysOthersByAtMostOneDeadlineAProbe) {
  (*plant_)->SetFault(6, Fault::kSilent);
  Start(Unit(1, kLevel) + Unit(5, kLevel) + Unit(6, kLevel) + Unit(7, kLevel),
        "period = \"20ms\"\ntimeout = \"150ms\"\n");
  ASSERT_TRUE(AwaitSamples("u7/level", 100));
  EXPECT_EQ(sink_.Samples("u6/level").size(), 1u);
  EXPECT_EQ(PartOf(2).state, "open");
  EXPECT_EQ(PartOf(2).last_error, "unit 6: no answer reading input 0..1");
  EXPECT_LT(CountRequests(6), 12u);
  for (const char* path : {"u1/level", "u5/level", "u7/level"}) {
    for (const auto& sample : sink_.Samples(path))
      EXPECT_EQ(sample.quality, Quality::kGood) << path;
  }
  (*plant_)->SetFault(6, Fault::kNone);
  EXPECT_TRUE(RunUntil([&] { return PartOf(2).state == "ok"; }));
  EXPECT_EQ(QualityOf("u6/level"), Quality::kGood);
}

// Units 4's registers 52 to 59 hold their own addresses, so a value under a wrong name shows.
class ModbusFaultTest : public ModbusDriverTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(ModbusFaultTest, NoAnswerIsEverTakenForAnothersAndTheUnitRecovers) {
  std::string registers;
  for (int address = 52; address < 60; address += 2) {
    registers += Register("r" + std::to_string(address),
                          "kind = \"input\"\naddress = " + std::to_string(address));
  }
  Start(Unit(4, registers, "max_registers = 1\n") + Unit(1, kLevel),
        "period = \"10ms\"\ntimeout = \"100ms\"\nbreaker_max = \"100ms\"\n");
  ASSERT_TRUE(AwaitSamples("u4/r58", 3));
  for (int round = 0; round < 3; ++round) {
    (*plant_)->SetFault(4, GetParam(), milliseconds(110));
    ASSERT_TRUE(RunUntil([&] { return PartOf(0).state == "open"; }));
    (*plant_)->SetFault(4, Fault::kNone);
    const std::size_t before = sink_.Samples("u4/r58").size();
    ASSERT_TRUE(AwaitSamples("u4/r58", before + 3));
  }
  EXPECT_EQ(PartOf(0).state, "ok");
  for (int address = 52; address < 60; address += 2) {
    for (const auto& sample : sink_.Samples("u4/r" + std::to_string(address))) {
      if (sample.quality != Quality::kGood) continue;
      EXPECT_EQ(sample.value, Value(std::int64_t{address}));
    }
  }
}

std::string FaultName(const ::testing::TestParamInfo<Fault>& info) {
  switch (info.param) {
    case Fault::kSilent: return "Silent";
    case Fault::kClose: return "Close";
    case Fault::kSlow: return "Slow";
    case Fault::kGarbage: return "Garbage";
    case Fault::kShort: return "Short";
    case Fault::kWrongTransaction: return "WrongTransaction";
    default: return "Late";
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, ModbusFaultTest,
                         ::testing::Values(Fault::kSilent, Fault::kClose, Fault::kSlow,
                                           Fault::kGarbage, Fault::kShort, Fault::kWrongTransaction,
                                           Fault::kLate),
                         FaultName);

TEST_F(ModbusDriverTest, ReconnectsAfterTheServerWasRestarted) {
  Start(Unit(1, kLevel), "period = \"10ms\"\ntimeout = \"1s\"\nbreaker_max = \"100ms\"\n");
  ASSERT_TRUE(AwaitSamples("u1/level", 3));
  plant_.reset();
  ASSERT_TRUE(RunUntil([&] { return PartOf(0).state == "open"; }));
  EXPECT_EQ(QualityOf("u1/level"), Quality::kBad);
  EXPECT_THAT(PartOf(0).last_error, HasSubstr("no connection to tcp://127.0.0.1:"));
  EXPECT_THAT(PartOf(0).last_error, HasSubstr("Connection refused"));
  plant_ = std::make_unique<RunningPlant>(port_);
  EXPECT_TRUE(RunUntil([&] { return QualityOf("u1/level") == Quality::kGood; }));
}

TEST_F(ModbusDriverTest, AConnectionThatWasClosedBetweenPollsCostsNoSample) {
  Start(Unit(1, kLevel), "period = \"50ms\"\ntimeout = \"10s\"\n");
  ASSERT_TRUE(AwaitSamples("u1/level", 2));
  for (int i = 0; i < 5; ++i) {
    plant_.reset();
    plant_ = std::make_unique<RunningPlant>(port_);
    const std::size_t before = sink_.Samples("u1/level").size();
    ASSERT_TRUE(AwaitSamples("u1/level", before + 2));
  }
  EXPECT_GE(sink_.Samples("u1/level").size(), 12u);
}

TEST_F(ModbusDriverTest, StopIsPromptWhileARequestWaitsForItsAnswer) {
  (*plant_)->SetFault(1, Fault::kSilent);
  Start(Unit(1, kLevel), "period = \"20ms\"\ntimeout = \"60s\"\n");
  ASSERT_TRUE(RunUntil([&] { return CountRequests(1) == 1; }));
  const MonoTime begin = clock_.Now();
  driver_->Stop();
  sink_.Revoke();
  while (BlockingDriver::ThreadLives(name_)) std::this_thread::yield();  // The thread ends too.
  EXPECT_LT(clock_.Now() - begin, seconds(1));
}

TEST_F(ModbusDriverTest, StopIsPromptWhileConnecting) {
  // A listener whose queue is full answers no more connection requests.
  plant_.reset();
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener, raw, size), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  ASSERT_EQ(getsockname(listener, raw, &size), 0);
  const int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(filler, raw, size), 0);
  port_ = ntohs(address.sin_port);
  Start(Unit(1, kLevel), "period = \"20ms\"\ntimeout = \"60s\"\n");
  loop_.RunFor(milliseconds(100));
  const MonoTime begin = clock_.Now();
  driver_->Stop();
  while (BlockingDriver::ThreadLives(name_)) std::this_thread::yield();
  EXPECT_LT(clock_.Now() - begin, seconds(1));
  EXPECT_TRUE(sink_.Samples("u1/level").empty());
  close(filler);
  close(listener);
}

TEST_F(ModbusDriverTest, ResolvesNamesOnTheBusThread) {
  Start(Unit(1, kLevel), kSlowPeriod, "localhost");
  EXPECT_TRUE(AwaitSamples("u1/level", 1));
  EXPECT_EQ(QualityOf("u1/level"), Quality::kGood);
}

TEST_F(ModbusDriverTest, AHostNobodyKnowsIsSaidSo) {
  Start(Unit(1, kLevel), "period = \"20ms\"\ntimeout = \"1s\"\n", "no-such-host.invalid");
  ASSERT_TRUE(RunUntil([&] { return !PartOf(0).last_error.empty(); }));
  EXPECT_THAT(PartOf(0).last_error, HasSubstr("no-such-host.invalid"));
}

TEST_F(ModbusDriverTest, SteersThePlant) {
  Start(Unit(1, kLevel) +
        Unit(2, Register("setpoint", "kind = \"holding\"\naddress = 0\nwritable = true") +
                    Register("speed", "kind = \"input\"\naddress = 0")));
  ASSERT_TRUE(AwaitSamples("u2/speed", 1));
  ASSERT_TRUE(Write("u2/setpoint", Value(std::int64_t{3000})));
  EXPECT_TRUE(RunUntil([&] { return Latest("u2/speed").integer() > 1000; }));
  EXPECT_TRUE(RunUntil([&] { return Latest("u1/level").real() > 2.0; }));
}

}  // namespace
}  // namespace edgetwin::driver
