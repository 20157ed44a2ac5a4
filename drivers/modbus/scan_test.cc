// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A scan of the plant's bus, over real sockets.

#include "drivers/modbus/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/options.h"
#include "tests/plant/running_plant.h"

namespace edgetwin::driver {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Scanned {
  Result<std::vector<Found>> found;
  std::string problems;
  std::size_t asked = 0;
};

Scanned ScanWith(const std::string& keys, std::size_t asked_max = 1'000) {
  const Result<ConfigNode> node = testing::ParseOptions(keys);
  EXPECT_TRUE(node);
  ConfigProblems problems;
  ConfigReader options(*node, "", problems);
  Scanned scanned{{}, {}, 0};
  scanned.found =
      ScanModbus(options, [&](const std::string&) { return scanned.asked++ < asked_max; });
  scanned.problems = problems.ToString();
  return scanned;
}

class ModbusScanTest : public ::testing::Test {
 protected:
  std::string Endpoint() {
    return "endpoint = \"tcp://127.0.0.1:" + std::to_string(plant_->port()) +
           "\"\ntimeout = \"20s\"\n";
  }

  tests::RunningPlant plant_;  // Units 1 to 8.
};

TEST_F(ModbusScanTest, FindsWhoAnswersAndWhat) {
  const Scanned scanned = ScanWith(Endpoint() + "units = \"7-9\"");
  EXPECT_EQ(scanned.problems, "");
  ASSERT_TRUE(scanned.found) << scanned.found.error().text;
  EXPECT_EQ(scanned.asked, 3u);
  ASSERT_EQ(scanned.found->size(), 2u);
  const Found& first = scanned.found->at(0);
  EXPECT_EQ(first.device, "unit 7");
  EXPECT_THAT(first.what, HasSubstr("answers holding, input"));
  EXPECT_THAT(first.config,
              HasSubstr("[drivers.bus]\nkind = \"modbus\"\nendpoint = \"tcp://127.0.0.1:"));
  EXPECT_THAT(first.config, HasSubstr("[[drivers.bus.unit]]\nid = 7\n"));
  EXPECT_EQ(scanned.found->at(1).device, "unit 8");
  EXPECT_THAT(scanned.found->at(1).config, Not(HasSubstr("[drivers.bus]\n")));
}

TEST_F(ModbusScanTest, EndsWithWhatItHasWhenItIsTold) {
  const Scanned scanned = ScanWith(Endpoint(), 2);
  ASSERT_TRUE(scanned.found) << scanned.found.error().text;
  EXPECT_EQ(scanned.found->size(), 2u);
}

TEST_F(ModbusScanTest, SaysWhyNobodyAnswered) {
  const Scanned scanned = ScanWith(Endpoint() + "units = 200");
  ASSERT_FALSE(scanned.found);
  EXPECT_THAT(scanned.found.error().text, HasSubstr("no unit answered: "));
}

TEST_F(ModbusScanTest, GivesABusUpThatIsNotThere) {
  const Scanned scanned = ScanWith("endpoint = \"tcp://127.0.0.1:1\"");
  EXPECT_EQ(testing::CodeOf(scanned.found), ErrorCode::kUnavailable);
  EXPECT_EQ(scanned.asked, 3u);
}

TEST_F(ModbusScanTest, TellsEveryMistake) {
  const Scanned scanned = ScanWith("endpoint = \"plant\"\nunits = \"0-9\"\nbaud = 9600\nunit = 3");
  EXPECT_THAT(scanned.problems, HasSubstr("units: '0-9' is no range of 1 to 247"));
  EXPECT_THAT(scanned.problems, HasSubstr("endpoint: 'plant' is no endpoint"));
  EXPECT_THAT(scanned.problems, HasSubstr("baud: is for a serial line"));
  EXPECT_THAT(scanned.problems, HasSubstr("unit: unknown key; did you mean \"units\"?"));
  EXPECT_EQ(scanned.asked, 0u);
  for (const char* units : {"9-1", "1-248", "1-", "-", "", "one"}) {
    EXPECT_THAT(ScanWith("endpoint = \"tcp://h\"\nunits = \"" + std::string(units) + "\"").problems,
                HasSubstr("is no range"))
        << units;
  }
}

TEST_F(ModbusScanTest, NobodyIsAskedWithAMistakeElsewhere) {
  const Scanned scanned = ScanWith(Endpoint() + "units = \"1-2\"\nunit = 3");
  EXPECT_THAT(scanned.problems, HasSubstr("unit: unknown key"));
  EXPECT_EQ(scanned.asked, 0u);
}

// A bus whose units fail one after the other as it is told, and answer behind that: what root, and
// a bus on loopback, can't be made to do.
class FailingBus final : public ModbusClient {
 public:
  explicit FailingBus(std::vector<std::optional<ErrorCode>> units) : units_(std::move(units)) {}
  ModbusResult<std::vector<std::uint16_t>> ReadTable(int unit, TableKind, int, int,
                                                     MonoTime) override {
    const auto& code = units_.at(static_cast<std::size_t>(unit - 1));
    if (code) return tl::unexpected(ModbusError{MakeError(*code, "why"), 0, false});
    return std::vector<std::uint16_t>{0};
  }
  ModbusResult<void> WriteCoil(int, int, bool, bool, MonoTime) override { return {}; }
  ModbusResult<void> WriteRegisters(int, int, std::span<const std::uint16_t>, bool,
                                    MonoTime) override {
    return {};
  }
  ModbusResult<void> MaskRegister(int, int, std::uint16_t, std::uint16_t, MonoTime) override {
    return {};
  }
  Result<std::vector<FoundUnit>> Ask() {
    return AskUnits(*this, 1, static_cast<int>(units_.size()), std::chrono::milliseconds(1),
                    [this](const std::string&) { return ++asked > 0; });
  }
  std::size_t asked = 0;

 private:
  const std::vector<std::optional<ErrorCode>> units_;
};

TEST(AskUnitsTest, ABusThatMayNotBeUsedIsAskedOnce) {
  for (const ErrorCode code : {ErrorCode::kPermission, ErrorCode::kUnsupported}) {
    FailingBus bus({code, std::nullopt});
    EXPECT_EQ(testing::CodeOf(bus.Ask()), code);
    EXPECT_EQ(bus.asked, 1u);
  }
}

TEST(AskUnitsTest, ABusIsGivenUpWhenItIsAwayThreeTimesInARow) {
  constexpr auto kAway = ErrorCode::kUnavailable;
  FailingBus bus({kAway, kAway, std::nullopt, kAway, kAway, ErrorCode::kTimeout, kAway, kAway,
                  std::nullopt, kAway, kAway, kAway, std::nullopt});
  const auto found = bus.Ask();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->size(), 2u);
  EXPECT_EQ(bus.asked, 12u);
}

TEST_F(ModbusScanTest, WithoutABusListsPortsAndAsksNobody) {
  const Scanned scanned = ScanWith("root = \"/nothing\"");
  ASSERT_TRUE(scanned.found);
  EXPECT_TRUE(scanned.found->empty());
  EXPECT_EQ(scanned.asked, 0u);
}

}  // namespace
}  // namespace edgetwin::driver
