// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/sysfs/channel_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace edgetwin::sysfs {
namespace {

using driver::PollStep;
using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr ChannelKind kNumber{model::ValueType::kDouble, "V", 1, 0.5, "A number"};

class SaidChannel final : public Channel {
 public:
  SaidChannel(Result<ChannelValue> said, milliseconds takes)
      : said_(std::move(said)), takes_(takes) {}
  Result<ChannelValue> Read(ReadBuffer&) override {
    SystemClock clock;
    for (const MonoTime begin = clock.Now(); clock.Now() - begin < takes_;) {
    }
    return said_;
  }

 private:
  const Result<ChannelValue> said_;
  const milliseconds takes_;
};

MakeChannel Says(Result<ChannelValue> said, milliseconds takes = milliseconds(0)) {
  return [said, takes] { return std::make_unique<SaidChannel>(said, takes); };
}

MakeChannel Says(double value) {
  return Says(ChannelValue{Value(value)});
}

class ChannelBusTest : public ::testing::Test {
 protected:
  std::unique_ptr<driver::BlockingBus> Make() {
    buses_ = std::move(list_).Finish("bus", milliseconds(1'000));
    bus_ = buses_.at(0);
    return bus_.make();
  }

  std::string thing_ = "plant";
  driver::PolicyRules rules_;
  Limit limit_{20};
  DeviceList list_{thing_, rules_, limit_};
  std::vector<driver::FoundBus> buses_;
  driver::FoundBus bus_;  // The first.
};

TEST_F(ChannelBusTest, DevicesPastTheLimitAreLeftOutAndCounted) {
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(list_.Begin("a"));
  EXPECT_FALSE(list_.Begin("b"));
  const LimitReport report = limit_.Report("devices");
  EXPECT_EQ(report.used, 20u);
  EXPECT_EQ(report.hits, 1u);
}

TEST_F(ChannelBusTest, EqualNamesAreNumberedAndMadeFitForPaths) {
  list_.Begin("chip one");
  list_.Add("a/b", kNumber, "", Says(1));
  list_.Add("a b", kNumber, "", Says(2));
  list_.Begin("chip_one");
  list_.Add("a", kNumber, "", Says(3));
  Make();
  const auto& properties = bus_.options.properties;
  ASSERT_EQ(properties.size(), 3u);
  EXPECT_EQ(properties[0].def.path.text(), "plant/chip_one/a_b");
  EXPECT_EQ(properties[1].def.path.text(), "plant/chip_one/a_b_2");
  EXPECT_EQ(properties[2].def.path.text(), "plant/chip_one_2/a");
  EXPECT_EQ(properties[2].part, 1u);
}

TEST_F(ChannelBusTest, APathThatCannotBeIsLeftOutAndTold) {
  thing_ = std::string(180, 'x');
  list_.Begin("chip");
  list_.Add(std::string(64, 'y'), kNumber, "", Says(1));
  list_.Add("z", kNumber, "", Says(2));
  EXPECT_THAT(list_.status().error().text, HasSubstr("longer than"));
  EXPECT_EQ(Make()->Poll(0, true, MonoTime()).readings.size(), 1u);
}

TEST_F(ChannelBusTest, ADeviceWithoutChannelsIsNoPart) {
  list_.Begin("empty");
  list_.Begin("chip");
  list_.Add("z", kNumber, "", Says(2));
  Make();
  ASSERT_EQ(bus_.options.parts.size(), 1u);
  EXPECT_EQ(bus_.options.parts[0].name, "chip");
  EXPECT_EQ(bus_.options.properties[0].part, 0u);
}

class SilentBus final : public driver::BlockingBus {
 public:
  PollStep Poll(std::size_t, bool, MonoTime) override { return {}; }
  driver::BusAnswer Write(std::size_t, const Value&, MonoTime) override { return {Value(1.0)}; }
  driver::BusAnswer Read(std::size_t, MonoTime) override { return {Value(1.0)}; }
};

TEST_F(ChannelBusTest, ADeviceThatIsReadAsAWholeHasABusOfItsOwn) {
  std::vector<std::string> paths;
  list_.Begin("chip", "i2c-1");
  EXPECT_TRUE(list_.Add("z", kNumber, "", nullptr));
  list_.ReadWhole(milliseconds(20), "by another way", [&](const auto& properties) {
    for (const driver::BusProperty& property : properties) {
      paths.push_back(property.def.path.text());
    }
    return std::make_unique<SilentBus>();
  });
  list_.Begin("chip", "i2c-1");
  list_.Add("z", kNumber, "", Says(1));
  Make();
  ASSERT_EQ(buses_.size(), 2u);
  EXPECT_EQ(buses_[0].options.name, "bus/i2c-1");
  EXPECT_EQ(buses_[0].options.parts.at(0).name, "chip_2") << "names are of the whole list";
  EXPECT_EQ(buses_[1].options.name, "bus:chip");
  EXPECT_EQ(buses_[1].identity, "by another way");
  ASSERT_EQ(buses_[1].options.parts.size(), 1u);
  EXPECT_EQ(buses_[1].options.parts[0].name, "chip");
  EXPECT_EQ(buses_[1].options.parts[0].period, milliseconds(20));
  buses_[1].make();
  EXPECT_THAT(paths, ::testing::ElementsAre("plant/chip/z"));
}

TEST_F(ChannelBusTest, ChannelsWhosePathCannotBeAreToldApart) {
  thing_ = std::string(180, 'x');
  list_.Begin("chip");
  EXPECT_FALSE(list_.Add(std::string(64, 'y'), kNumber, "", nullptr));
  EXPECT_TRUE(list_.Add("z", kNumber, "", nullptr));
}

TEST_F(ChannelBusTest, EachWireHasABusOfItsOwn) {
  for (const char* wire : {"i2c-1", "", "i2c-1"}) {
    list_.Begin("chip", wire);
    list_.Add("z", kNumber, "", Says(1));
  }
  Make();
  ASSERT_EQ(buses_.size(), 2u);
  EXPECT_EQ(buses_[0].options.name, "bus/i2c-1");
  EXPECT_EQ(buses_[0].options.parts.size(), 2u);
  EXPECT_EQ(buses_[1].options.name, "bus");
  EXPECT_EQ(buses_[1].options.properties.at(0).def.path.text(), "plant/chip_2/z");
  EXPECT_EQ(buses_[1].make()->Poll(0, true, MonoTime()).readings.at(0).property, 0u);
}

TEST_F(ChannelBusTest, WiresPastTheLimitShareTheFirstBus) {
  for (int i = 0; i < 20; ++i) {
    list_.Begin("chip", "i2c-" + std::to_string(i));
    list_.Add("z", kNumber, "", Says(i));
  }
  const auto first = Make();
  EXPECT_EQ(buses_.size(), DeviceList::kBusesMax);
  EXPECT_EQ(bus_.options.parts.size(), 5u);
  EXPECT_EQ(first->Poll(4, true, MonoTime()).readings.at(0).value, Value(19.0));
}

TEST_F(ChannelBusTest, ValuesAreRoundedToTheirDecimals) {
  list_.Begin("chip");
  list_.Add("z", kNumber, "", Says(2.3456));
  EXPECT_EQ(Make()->Poll(0, true, MonoTime()).readings.at(0).value, Value(2.3));
}

TEST_F(ChannelBusTest, ADeadChannelIsBadAndItsDeviceAnswers) {
  list_.Begin("chip");
  list_.Add("dead", kNumber, "", Says(Unavailable("Input/output error")));
  list_.Add("alive", kNumber, "", Says(1));
  const PollStep step = Make()->Poll(0, true, MonoTime());
  EXPECT_TRUE(step.answered);
  EXPECT_EQ(step.status.error().text, "Input/output error");
  EXPECT_TRUE(step.readings.at(0).value.none());
  EXPECT_EQ(step.readings.at(1).value, Value(1.0));
}

TEST_F(ChannelBusTest, ADeviceIsSilentWhenNothingOfItCanBeReadAndNotWhenItTalksNonsense) {
  list_.Begin("dead");
  list_.Add("a", kNumber, "", Says(Unavailable("Input/output error")));
  list_.Add("b", kNumber, "", Says(NotFound("No such device")));
  list_.Begin("mad");
  list_.Add("a", kNumber, "", Says(Corrupt("'x' is no number")));
  const auto bus = Make();
  EXPECT_FALSE(bus->Poll(0, true, MonoTime()).answered);
  EXPECT_TRUE(bus->Poll(1, true, MonoTime()).answered);
}

TEST_F(ChannelBusTest, AChannelThatIsSwitchedOffIsBadWithoutAnError) {
  list_.Begin("chip");
  list_.Add("off", kNumber, "", Says(ChannelValue{}));
  const auto bus = Make();
  const PollStep step = bus->Poll(0, true, MonoTime());
  EXPECT_TRUE(step.answered);
  EXPECT_TRUE(step.status);
  EXPECT_TRUE(step.readings.at(0).value.none());
  EXPECT_FALSE(bus->Read(0, MonoTime()).value) << "who asks for it gets words, not nothing";
}

TEST_F(ChannelBusTest, ASlowDeviceIsReadInStepsThatLetOthersIn) {
  list_.Begin("slow");
  list_.Add("a", kNumber, "", Says(Unavailable("Input/output error"), milliseconds(120)));
  list_.Add("b", kNumber, "", Says(2));
  const auto bus = Make();
  const PollStep first = bus->Poll(0, true, MonoTime());
  EXPECT_TRUE(first.more);
  EXPECT_TRUE(first.answered) << "nobody knows yet";
  EXPECT_EQ(first.readings.size(), 1u);
  const PollStep second = bus->Poll(0, false, MonoTime());
  EXPECT_FALSE(second.more);
  EXPECT_EQ(second.readings.at(0).value, Value(2.0));
  EXPECT_FALSE(second.status) << "the first step's failure is the poll's";
}

}  // namespace
}  // namespace edgetwin::sysfs
