// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/sparkplug_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/mqtt/testing/encode.h"

namespace edgetwin::mqtt_driver {
namespace {

using Kind = NodeNews::Kind;
using std::chrono::seconds;
using Type = SparkplugTopic::Type;

constexpr auto kDouble = DataType::kDouble;

class SparkplugNodesTest : public ::testing::Test {
 protected:
  NodeNews On(Type type, const Payload& payload, const std::string& device = "",
              const std::string& node = "G/N") {
    payload_ = payload;
    return nodes_.On({type, node, device}, payload_);
  }
  NodeNews Birth(std::uint64_t life = 1) {
    return On(Type::kNodeBirth, Numbered(0, {Life(life), Named("a", kDouble, 1.0, 10)}));
  }
  NodeNews DeviceBirth(std::uint64_t seq, const std::string& device = "D") {
    return On(Type::kDeviceBirth, Numbered(seq, {Named("a", DataType::kInt32, 2U, 20)}), device);
  }
  std::uint64_t Hits(std::string_view name) const {
    for (const LimitReport& limit : nodes_.limits()) {
      if (limit.name == name) return limit.hits;
    }
    ADD_FAILURE() << name;
    return 0;
  }

  SparkplugNodes nodes_{{"a", "b"}};
  Payload payload_;
};

TEST_F(SparkplugNodesTest, BirthsBindAliases) {
  const NodeNews birth = Birth();
  EXPECT_EQ(birth.kind, Kind::kValues);
  ASSERT_EQ(birth.readings.size(), 1U) << "bdSeq is not wanted";
  EXPECT_EQ(birth.readings[0].name, "a");
  DeviceBirth(1);
  const NodeNews data = On(Type::kNodeData, Numbered(2, {Aliased(10, 3.0)}));
  ASSERT_EQ(data.readings.size(), 1U);
  EXPECT_EQ(data.readings[0].name, "a");
  EXPECT_EQ(data.readings[0].type, kDouble);
  EXPECT_TRUE(data.in_order);
  const NodeNews device = On(Type::kDeviceData, Numbered(3, {Aliased(20, 3U)}), "D");
  ASSERT_EQ(device.readings.size(), 1U);
  EXPECT_EQ(device.readings[0].type, DataType::kInt32);
  EXPECT_EQ(nodes_.TargetOf("G/N", "D", "a").type, DataType::kInt32);
  EXPECT_EQ(nodes_.TargetOf("G/N", "", "b").type, DataType::kUnknown);
  EXPECT_TRUE(nodes_.Alive("G/N", "D"));
}

TEST_F(SparkplugNodesTest, NumbersGoRoundAfter255) {
  Birth();
  for (std::uint64_t i = 1; i <= 600; ++i) {
    ASSERT_TRUE(On(Type::kNodeData, Numbered(i % 256, {})).in_order) << i;
  }
  EXPECT_EQ(Hits("sparkplug_seq_gaps"), 0U);
}

TEST_F(SparkplugNodesTest, AGapIsCountedAndMakesDoubtUntilTheNextBirth) {
  Birth();
  EXPECT_TRUE(nodes_.InOrder("G/N"));
  const NodeNews gap = On(Type::kNodeData, Numbered(2, {Aliased(10, 3.0)}));
  EXPECT_TRUE(gap.lost_order);
  EXPECT_FALSE(gap.in_order);
  EXPECT_EQ(gap.readings.size(), 1U) << "the value itself is there";
  const NodeNews next = On(Type::kNodeData, Numbered(3, {Aliased(10, 4.0)}));
  EXPECT_FALSE(next.in_order);
  EXPECT_FALSE(next.lost_order) << "told once";
  EXPECT_EQ(Hits("sparkplug_seq_gaps"), 1U);
  EXPECT_TRUE(Birth().in_order);
  EXPECT_TRUE(On(Type::kNodeData, Numbered(1, {})).in_order);
}

TEST_F(SparkplugNodesTest, AnUnknownAliasIsAMissedBirth) {
  Birth();
  EXPECT_TRUE(On(Type::kNodeData, Numbered(1, {Aliased(11, 3.0)})).lost_order);
}

TEST_F(SparkplugNodesTest, AliasesOfUnwantedMetricsAreKnown) {
  On(Type::kNodeBirth, Numbered(0, {Named("other", kDouble, 1.0, 7)}));
  const NodeNews data = On(Type::kNodeData, Numbered(1, {Aliased(7, 3.0)}));
  EXPECT_TRUE(data.in_order);
  EXPECT_TRUE(data.readings.empty());
}

TEST_F(SparkplugNodesTest, DataBeforeABirthIsDoubtful) {
  const NodeNews data = On(Type::kNodeData, Numbered(9, {Named("a", kDouble, 1.0)}));
  EXPECT_EQ(data.readings.size(), 1U);
  EXPECT_FALSE(data.in_order);
  EXPECT_FALSE(nodes_.Alive("G/N", ""));
  Birth();
  EXPECT_TRUE(On(Type::kDeviceData, Numbered(1, {}), "D").lost_order) << "its birth was missed";
}

TEST_F(SparkplugNodesTest, ADeathIsThatOfItsOwnLife) {
  Birth(1);
  Birth(2);
  EXPECT_EQ(On(Type::kNodeDeath, Numbered({}, {Life(1)})).kind, Kind::kNothing);
  EXPECT_EQ(Hits("sparkplug_old_deaths"), 1U);
  EXPECT_TRUE(nodes_.Alive("G/N", ""));
  EXPECT_EQ(On(Type::kNodeDeath, Numbered({}, {Life(2)})).kind, Kind::kNodeDied);
  EXPECT_FALSE(nodes_.Alive("G/N", ""));
  EXPECT_EQ(nodes_.states().at(0).problem, "the node is dead");
}

TEST_F(SparkplugNodesTest, ARestartIsOfAnotherLife) {
  Birth(1);
  DeviceBirth(1);
  EXPECT_EQ(Birth(1).kind, Kind::kValues) << "on demand";
  EXPECT_EQ(Birth(2).kind, Kind::kNodeRestarted);
  EXPECT_FALSE(nodes_.Alive("G/N", "D"));
}

TEST_F(SparkplugNodesTest, ADeviceDiesAlone) {
  Birth();
  DeviceBirth(1);
  EXPECT_EQ(On(Type::kDeviceDeath, Numbered(2, {}), "D").kind, Kind::kDeviceDied);
  EXPECT_FALSE(nodes_.Alive("G/N", "D"));
  EXPECT_TRUE(nodes_.Alive("G/N", ""));
  EXPECT_TRUE(On(Type::kNodeData, Numbered(3, {})).in_order) << "its death has a number, too";
}

TEST_F(SparkplugNodesTest, AMessageThatComesTwiceIsTakenOnce) {
  Birth();
  EXPECT_EQ(On(Type::kNodeData, Numbered(1, {Aliased(10, 1.0)})).readings.size(), 1U);
  const NodeNews again = On(Type::kNodeData, Numbered(1, {Aliased(10, 1.0)}));
  EXPECT_EQ(again.kind, Kind::kNothing);
  EXPECT_TRUE(nodes_.InOrder("G/N"));
  EXPECT_EQ(Hits("sparkplug_duplicates"), 1U);
}

TEST_F(SparkplugNodesTest, RebirthsAreAskedForOnceInAWhile) {
  const MonoTime now{seconds(100)};
  EXPECT_TRUE(nodes_.TakeRebirth("G/N", now));
  EXPECT_FALSE(nodes_.TakeRebirth("G/N", now + seconds(29)));
  EXPECT_TRUE(nodes_.TakeRebirth("G/other", now));
  nodes_.Forget();
  EXPECT_FALSE(nodes_.TakeRebirth("G/N", now + seconds(29))) << "a broker that comes and goes";
  EXPECT_TRUE(nodes_.TakeRebirth("G/N", now + seconds(30)));
  EXPECT_EQ(Hits("sparkplug_rebirths"), 2U);
}

TEST_F(SparkplugNodesTest, ForgettingLeavesNothingInOrder) {
  Birth();
  nodes_.Forget();
  EXPECT_FALSE(nodes_.InOrder("G/N"));
  EXPECT_FALSE(On(Type::kNodeData, Numbered(1, {})).in_order);
}

TEST_F(SparkplugNodesTest, NodesHaveALimit) {
  for (std::size_t i = 0; i <= SparkplugNodes::kNodesMax; ++i) {
    const bool fits = i < SparkplugNodes::kNodesMax;
    const NodeNews news = On(Type::kNodeBirth, Numbered(0, {}), "", "G/" + std::to_string(i));
    EXPECT_EQ(news.kind == Kind::kValues, fits) << i;
  }
  EXPECT_EQ(Hits("sparkplug_nodes"), 1U);
}

TEST_F(SparkplugNodesTest, DevicesHaveALimit) {
  Birth();
  std::uint64_t seq = 0;
  for (std::size_t i = 0; i < SparkplugNodes::kDevicesMax; ++i) {  // The node is one of them.
    DeviceBirth(++seq % 256, std::to_string(i));
  }
  EXPECT_EQ(Hits("sparkplug_devices"), 1U);
  EXPECT_TRUE(nodes_.InOrder("G/N"));
}

TEST_F(SparkplugNodesTest, AliasesHaveALimitAndThenAnUnknownOneSaysNothing) {
  std::vector<Metric> metrics;
  for (std::size_t i = 0; i <= SparkplugNodes::kAliasesMax; ++i) {
    metrics.push_back(Named("m", kDouble, 1.0, i));
  }
  On(Type::kNodeBirth, Numbered(0, metrics));
  EXPECT_EQ(Hits("sparkplug_aliases"), 1U);
  EXPECT_TRUE(
      On(Type::kNodeData, Numbered(1, {Aliased(SparkplugNodes::kAliasesMax, 1.0)})).in_order);
  // A birth takes the place of the one before.
  Birth();
  DeviceBirth(1);
  EXPECT_EQ(Hits("sparkplug_aliases"), 1U);
  EXPECT_TRUE(On(Type::kNodeData, Numbered(2, {Aliased(99, 1.0)})).lost_order);
}

class SparkplugTemplatesTest : public SparkplugNodesTest {
 protected:
  SparkplugTemplatesTest() {
    On(Type::kNodeBirth,
       Numbered(0, {Life(1), Named("Motor", DataType::kTemplate, Template{"", "1", true}, 1),
                    Instance("M1", "Motor", 10), In(2, Named("speed", kDouble, 1.0, 2)),
                    Instance("M2", "Motor", 11), In(4, Named("speed", kDouble, 2.0, 2)),
                    Instance("Other", "Motor", 12), In(6, Named("speed", kDouble, 3.0, 2)),
                    Instance("Pair", "Two", 13), In(8, Instance("left", "Motor", 3)),
                    In(9, Named("speed", DataType::kUInt32, 4U, 2))}));
  }
  // What is read of a message, "M1/speed=1.0".
  std::vector<std::string> Data(std::uint64_t seq, std::vector<Metric> metrics) {
    const NodeNews news = On(Type::kNodeData, Numbered(seq, std::move(metrics)));
    std::vector<std::string> read;
    for (const Reading& reading : news.readings) {
      extract::Conversion conversion;
      conversion.type = model::ValueType::kDouble;
      const auto value = ValueOf(*reading.metric, reading.type, conversion);
      read.push_back(std::string(reading.name) + "=" + (value ? Format(*value) : "none"));
    }
    in_order_ = news.in_order;
    return read;
  }

  SparkplugNodes nodes_{
      {"M1/speed", "M2/speed", "Pair/left/speed", "Motor/speed", "M1-x", "speed"}};
  bool in_order_ = false;

 private:
  NodeNews On(Type type, const Payload& payload) {
    payload_ = payload;
    return nodes_.On({type, "G/N", ""}, payload_);
  }
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SparkplugTemplatesTest, MembersAreCalledByTheirInstances) {
  EXPECT_THAT(Data(1, {Instance("M1", "Motor"), In(0, Named("speed", kDouble, 5.0)),
                       Instance("M2", "Motor"), In(2, Named("speed", kDouble, 6.0)),
                       Instance("Pair", "Two"), In(4, Instance("left", "Motor")),
                       In(5, Named("speed", kDouble, 7.0)), Named("M1/speed", kDouble, 8.0)}),
              ElementsAre("M1/speed=5", "M2/speed=6", "Pair/left/speed=7", "M1/speed=8"));
  EXPECT_TRUE(in_order_);
}

TEST_F(SparkplugTemplatesTest, AMembersAliasIsItsInstancesOwn) {
  const auto instance = [](std::uint64_t alias) {
    return Aliased(alias, Template{"Motor", "1", false});
  };
  EXPECT_THAT(Data(1, {instance(11), In(0, Aliased(2, 6.0)), instance(10), In(2, Aliased(2, 5.0)),
                       instance(13), In(4, instance(3)), In(5, Aliased(2, 0xffffffffU))}),
              ElementsAre("M2/speed=6", "M1/speed=5", "Pair/left/speed=4294967295"))
      << "of the birth's type, too";
  EXPECT_TRUE(in_order_);
  EXPECT_THAT(Data(2, {instance(12), In(0, Aliased(2, 6.0)), In(0, Aliased(99, 6.0))}), IsEmpty());
  EXPECT_TRUE(in_order_) << "nobody reads that one";
  EXPECT_THAT(Data(3, {instance(10), In(0, Aliased(99, 6.0))}), IsEmpty());
  EXPECT_FALSE(in_order_);
}

TEST_F(SparkplugTemplatesTest, ADefinitionsDefaultsAreNoValues) {
  SparkplugNodes nodes({"Motor", "Motor/speed"});
  const Payload birth = *DecodePayload(
      Encode(Numbered(0, {Life(1), Named("Motor", DataType::kTemplate, Template{"", "1", true}),
                          In(1, Named("speed", kDouble, 1.0))})));
  EXPECT_THAT(nodes.On({Type::kNodeBirth, "G/N", ""}, birth).readings, IsEmpty());
}

TEST_F(SparkplugTemplatesTest, OfANullInstanceAllIsNull) {
  Metric null = Aliased(10, std::monostate());
  null.null = true;
  EXPECT_THAT(Data(1, {null}), ElementsAre("M1/speed=none"));
  EXPECT_TRUE(in_order_);
}

TEST_F(SparkplugTemplatesTest, CommandsGoThroughTheInstances) {
  const CommandTarget target = nodes_.TargetOf("G/N", "", "Pair/left/speed");
  EXPECT_EQ(target.name, "speed");
  EXPECT_EQ(target.type, DataType::kUInt32);
  ASSERT_EQ(target.levels.size(), 2U);
  EXPECT_EQ(target.levels[0].name, "Pair");
  EXPECT_EQ(target.levels[0].instance.ref, "Two");
  EXPECT_EQ(target.levels[1].name, "left");
  EXPECT_EQ(target.levels[1].instance.ref, "Motor");
  EXPECT_EQ(target.levels[1].instance.version, "1");
  EXPECT_EQ(nodes_.TargetOf("G/N", "", "never/born").name, "never/born");
  EXPECT_THAT(nodes_.TargetOf("G/N", "", "speed").levels, IsEmpty()) << "that is no member";
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
