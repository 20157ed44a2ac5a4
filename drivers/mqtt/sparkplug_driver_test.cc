// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Sparkplug B through a real broker.

#include "drivers/mqtt/data_set.h"
#include "drivers/mqtt/mqtt_driver_test_base.h"
#include "drivers/mqtt/testing/encode.h"

namespace edgetwin::mqtt_driver {
namespace {

using driver::testing::CodeOf;
using model::Quality;
using model::Value;

constexpr auto kDouble = DataType::kDouble;

class SparkplugDriverTest : public MqttDriverTest {
 protected:
  SparkplugDriverTest() { peer_subscriptions_ = {"spBv1.0/+/NCMD/#", "spBv1.0/+/DCMD/#"}; }

  static std::string Options(const std::string& lines = "") {
    return "[[sparkplug]]\ngroup = \"G\"\nnode = \"N\"\ndevice = \"D\"\n" + lines +
           "[[sparkplug.property]]\nname = \"level\"\nmetric = \"Tank/Level\"\nscale = 0.5\n"
           "writable = true\n"
           "[[sparkplug.property]]\nname = \"mode\"\nmetric = \"Mode\"\ntype = \"string\"\n"
           "[[sparkplug]]\ngroup = \"G\"\nnode = \"N\"\n"
           "[[sparkplug.property]]\nname = \"uptime\"\nmetric = \"Uptime\"\ntype = \"int\"\n";
  }
  void Send(const std::string& type, const Payload& payload, const std::string& device = "") {
    peer().Publish("spBv1.0/G/" + type + "/N" + (device.empty() ? "" : "/" + device),
                   Encode(payload));
  }
  void BirthOfNode(std::uint64_t life = 1, std::uint64_t uptime = 5) {
    Send("NBIRTH", Numbered(0, {Life(life), Named("Uptime", DataType::kInt64, uptime, 1)}));
  }
  void BirthOfDevice(std::uint64_t seq = 1, double level = 10) {
    Send("DBIRTH",
         Numbered(seq, {Named("Tank/Level", kDouble, level, 2),
                        Named("Mode", DataType::kString, std::string("auto"), 3)}),
         "D");
  }
  // Until the driver has them.
  void BeBorn() {
    BirthOfNode();
    BirthOfDevice();
    ASSERT_TRUE(UntilIs("t/mode", Value(std::string("auto"))));
    ASSERT_TRUE(Is("t/level", Value(5.0)));
    ASSERT_TRUE(Is("t/uptime", Value(std::int64_t{5})));
  }
  std::size_t Rebirths() {
    std::size_t count = 0;
    for (const auto& [topic, bytes] : peer().heard()) {
      const auto payload = DecodePayload(bytes);
      if (topic == "spBv1.0/G/NCMD/N" && payload && payload->metrics.size() == 1 &&
          payload->metrics[0].name == kRebirthMetric) {
        ++count;
      }
    }
    return count;
  }
};

TEST_F(SparkplugDriverTest, BirthsAndDataGiveValues) {
  Start(Options());
  BeBorn();
  EXPECT_EQ(Part("node G/N").state, "ok");
  EXPECT_EQ(sink_.RawOf("t/mode"), "String 'auto'");
  Send("DDATA", Numbered(2, {Aliased(2, 30.0)}), "D");
  EXPECT_TRUE(UntilIs("t/level", Value(15.0)));
  EXPECT_EQ(sink_.RawOf("t/level"), "Double 30") << "of the birth's type";
  Send("NDATA", Numbered(3, {Aliased(1, std::uint64_t{6})}));
  EXPECT_TRUE(UntilIs("t/uptime", Value(std::int64_t{6})));
}

TEST_F(SparkplugDriverTest, NullIsBad) {
  Start(Options());
  BeBorn();
  Metric null = Aliased(2, std::monostate());
  null.null = true;
  Send("DDATA", Numbered(2, {null}), "D");
  EXPECT_TRUE(UntilBad("t/level"));
  EXPECT_EQ(sink_.RawOf("t/level"), "Double null");
  EXPECT_TRUE(Is("t/mode", Value(std::string("auto"))));
}

TEST_F(SparkplugDriverTest, AMetricOfAnotherTypeIsBadAndTold) {
  Start(Options());
  BeBorn();
  Send("DDATA", Numbered(2, {Aliased(2, std::string("full"))}), "D");
  ASSERT_TRUE(UntilBad("t/level"));
  const auto failure = FailureOf("spBv1.0/G/N/D");
  EXPECT_EQ(failure->code, ErrorCode::kCorrupt);
  EXPECT_EQ(failure->text, "level: is 'full', not a number");
}

TEST_F(SparkplugDriverTest, MetricsHaveTheirOwnTimes) {
  Start(Options());
  Payload birth = Numbered(1, {Named("Tank/Level", kDouble, 10.0, 2)});
  birth.time_ms = 1'700'000'001'000;
  birth.metrics[0].time_ms = 1'700'000'000'000;
  BirthOfNode();
  Send("DBIRTH", birth, "D");
  ASSERT_TRUE(UntilIs("t/level", Value(5.0)));
  EXPECT_EQ(sink_.Last("t/level").time.time_since_epoch().count(), 1'700'000'000'000);
  Payload data = Numbered(2, {Aliased(2, 12.0)});
  data.time_ms = 1'700'000'002'000;
  Send("DDATA", data, "D");
  ASSERT_TRUE(UntilIs("t/level", Value(6.0)));
  EXPECT_EQ(sink_.Last("t/level").time.time_since_epoch().count(), 1'700'000'002'000);
}

TEST_F(SparkplugDriverTest, ArrivalIsTheTimeWhereItIsWanted) {
  Start(Options("time = \"arrival\"\n"));
  const WallTime before = clock_.UntrustedWall();
  BirthOfNode();
  Payload birth = Numbered(1, {Named("Tank/Level", kDouble, 10.0, 2)});
  birth.time_ms = 1'700'000'001'000;
  Send("DBIRTH", birth, "D");
  ASSERT_TRUE(UntilIs("t/level", Value(5.0)));
  EXPECT_GE(sink_.Last("t/level").time, before);
}

TEST_F(SparkplugDriverTest, HistoryDoesNotGoBeforeWhatIsKnown) {
  Start(Options());
  BeBorn();
  const auto at = [&](std::uint64_t ms, double value) {
    Metric metric = Aliased(2, value);
    metric.historical = true;
    metric.time_ms = ms;
    return metric;
  };
  Send("DDATA", Numbered(2, {at(1'700'000'000'000, 1.0)}), "D");
  ASSERT_TRUE(Until([&] { return LimitOf("historical_ignored").hits == 1; }));
  EXPECT_TRUE(Is("t/level", Value(5.0)));
  const auto later = static_cast<std::uint64_t>(
      (sink_.Last("t/level").time + std::chrono::milliseconds(1)).time_since_epoch().count());
  Send("DDATA", Numbered(3, {at(later, 4.0)}), "D");
  EXPECT_TRUE(UntilIs("t/level", Value(2.0)));
}

TEST_F(SparkplugDriverTest, ADeadNodeIsBadWithItsDevices) {
  Start(Options());
  BeBorn();
  Send("NDEATH", Numbered({}, {Life(1)}));
  EXPECT_TRUE(UntilBad("t/level"));
  EXPECT_TRUE(UntilBad("t/mode"));
  EXPECT_TRUE(UntilBad("t/uptime"));
  EXPECT_EQ(Part("node G/N").state, "failing");
  EXPECT_EQ(Part("node G/N").last_error, "the node is dead");
  EXPECT_EQ(FailureOf("spBv1.0/G/N/D")->text, "the node is dead");
  EXPECT_EQ(CodeOf(Write("t/level", Value(1.0))), ErrorCode::kUnavailable);
  BirthOfNode(2);
  BirthOfDevice();
  EXPECT_TRUE(UntilIs("t/level", Value(5.0)));
}

TEST_F(SparkplugDriverTest, ADeadDeviceIsBadAlone) {
  Start(Options());
  BeBorn();
  Send("DDEATH", Numbered(2, {}), "D");
  EXPECT_TRUE(UntilBad("t/level"));
  EXPECT_TRUE(Is("t/uptime", Value(std::int64_t{5})));
}

TEST_F(SparkplugDriverTest, ARestartedNodesDevicesAreBadUntilTheyAreBorn) {
  Start(Options());
  BeBorn();
  BirthOfNode(2, 1);
  EXPECT_TRUE(UntilIs("t/uptime", Value(std::int64_t{1})));
  EXPECT_TRUE(UntilBad("t/level"));
}

TEST_F(SparkplugDriverTest, AGapMakesDoubtAndAsksForARebirth) {
  Start(Options("rebirth = true\n"));
  // As soon as it is connected: births aren't retained.
  ASSERT_TRUE(Until([&] { return Rebirths() == 1; }));
  BeBorn();
  Send("DDATA", Numbered(3, {Aliased(3, std::string("hand"))}), "D");
  ASSERT_TRUE(UntilIs("t/mode", Value(std::string("hand")), Quality::kUncertain));
  EXPECT_TRUE(Is("t/level", Value(5.0), Quality::kUncertain)) << "it may have changed, too";
  EXPECT_TRUE(Is("t/uptime", Value(std::int64_t{5}), Quality::kUncertain));
  EXPECT_EQ(LimitOf("sparkplug_seq_gaps").hits, 1U);
  EXPECT_EQ(LimitOf("sparkplug_rebirths").used, 1U) << "it was asked a moment ago";
  EXPECT_EQ(LimitOf("sparkplug_rebirths").hits, 1U);
  BirthOfNode();
  BirthOfDevice();
  EXPECT_TRUE(UntilIs("t/level", Value(5.0)));
}

TEST_F(SparkplugDriverTest, WithoutRebirthNobodyIsAsked) {
  Start(Options());
  BeBorn();
  Send("DDATA", Numbered(3, {Aliased(2, 1.0)}), "D");
  ASSERT_TRUE(UntilIs("t/level", Value(0.5), Quality::kUncertain));
  EXPECT_EQ(Rebirths(), 0U);
  EXPECT_EQ(LimitOf("sparkplug_rebirths").used, 0U);
}

TEST_F(SparkplugDriverTest, NodesByNameAreAskedWhenTheyAreHeard) {
  Start(
      "[[sparkplug]]\ngroup = \"G\"\nnode = \"{node}\"\ndevice = \"{device}\"\nrebirth = true\n"
      "[[sparkplug.property]]\nname = \"{node}/{device}/level\"\nmetric = \"Tank/Level\"\n");
  EXPECT_EQ(Rebirths(), 0U);
  Send("DDATA", Numbered(3, {Named("Tank/Level", kDouble, 1.0)}), "D");
  ASSERT_TRUE(UntilIs("t/N/D/level", Value(1.0), Quality::kUncertain));
  EXPECT_TRUE(Until([&] { return Rebirths() == 1; }));
}

TEST_F(SparkplugDriverTest, RetainedBirthsAreNotBelieved) {
  ASSERT_TRUE(Until([&] { return peer().up(); }));
  peer().Publish("spBv1.0/G/NBIRTH/N",
                 Encode(Numbered(0, {Named("Uptime", DataType::kInt64, std::uint64_t{5})})), true);
  Start(Options());
  EXPECT_TRUE(Until([&] { return LimitOf("foreign_messages").hits == 1; }));
  EXPECT_TRUE(sink_.Samples("t/uptime").empty());
}

TEST_F(SparkplugDriverTest, NodesThatNobodyReadsAreNotFollowed) {
  Start(
      "[[topic]]\ntopic = \"spBv1.0/#\"\nformat = \"raw\"\n"
      "[[topic.property]]\nname = \"raw\"\n" +
      Options());
  const std::string bytes = Encode(Numbered(1, {}));
  peer().Publish("spBv1.0/G/NDATA/other", bytes);
  ASSERT_TRUE(UntilIs("t/raw", Value(model::Bytes{bytes})));
  EXPECT_EQ(LimitOf("sparkplug_nodes").used, 0U);
}

TEST_F(SparkplugDriverTest, WhatIsNoPayloadIsTold) {
  Start(Options());
  BeBorn();
  peer().Publish("spBv1.0/G/DDATA/N/D", "{}");
  const auto failure = FailureOf("spBv1.0/G/N/D");
  EXPECT_EQ(failure->code, ErrorCode::kCorrupt);
  EXPECT_EQ(failure->text, "no Sparkplug payload in 2 bytes");
  EXPECT_TRUE(Is("t/level", Value(5.0)));
}

TEST_F(SparkplugDriverTest, ACommandIsConfirmedByData) {
  Start(Options());
  BeBorn();
  std::uint64_t seq = 1;
  peer().answer = [&](const std::string& topic, const std::string& bytes) {
    EXPECT_EQ(topic, "spBv1.0/G/DCMD/N/D");
    const auto command = DecodePayload(bytes);
    ASSERT_TRUE(command);
    const Metric& metric = command->metrics.at(0);
    EXPECT_EQ(metric.name, "Tank/Level");
    EXPECT_EQ(metric.type, kDouble);
    Send("DDATA", Numbered(++seq, {Aliased(2, std::get<double>(metric.value))}), "D");
  };
  const auto written = Write("t/level", Value(40.5));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, Value(40.5));
  EXPECT_TRUE(Is("t/level", Value(40.5)));
}

TEST_F(SparkplugDriverTest, MembersOfTemplatesAreReadAndWritten) {
  Start(
      "[[sparkplug]]\ngroup = \"G\"\nnode = \"N\"\n[[sparkplug.property]]\nname = \"speed\"\n"
      "metric = \"Line/M1/Speed\"\ntype = \"int\"\nwritable = true\n");
  Send("NBIRTH", Numbered(0, {Life(1), Instance("Line/M1", "Motor", 5),
                              In(1, Named("Speed", DataType::kUInt16, 20U))}));
  ASSERT_TRUE(UntilIs("t/speed", Value(std::int64_t{20})));
  peer().answer = [&](const std::string& topic, const std::string& bytes) {
    EXPECT_EQ(topic, "spBv1.0/G/NCMD/N");
    const auto command = DecodePayload(bytes);
    ASSERT_TRUE(command && command->metrics.size() == 2);
    EXPECT_EQ(command->metrics[0].name, "Line/M1");
    EXPECT_EQ(std::get<Template>(command->metrics[0].value).ref, "Motor");
    EXPECT_EQ(command->metrics[1].type, DataType::kUInt16);
    Send("NDATA", Numbered(1, {Aliased(5, Template{"Motor", "1", false}),
                               In(0, Named("Speed", DataType::kUInt16,
                                           std::get<std::uint32_t>(command->metrics[1].value)))}));
  };
  const auto written = Write("t/speed", Value(std::int64_t{30}));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_TRUE(Is("t/speed", Value(std::int64_t{30})));
}

TEST_F(SparkplugDriverTest, TemplatesTooDeepAreToldAndCounted) {
  Start(Options());
  BeBorn();
  Payload deep = Numbered(2, {Instance("t", "T")});
  for (std::size_t i = 0; i < kTemplateDepthMax; ++i) {
    deep.metrics.push_back(In(i, Instance("t", "T")));
  }
  Send("DDATA", deep, "D");
  EXPECT_EQ(FailureOf("spBv1.0/G/N/D")->code, ErrorCode::kExhausted);
  EXPECT_EQ(LimitOf("sparkplug_template_depth").hits, 1U);
  EXPECT_EQ(LimitOf("sparkplug_metrics").hits, 0U);
}

TEST_F(SparkplugDriverTest, CellsOfDataSetsAreValuesAndTooLongOnesCounted) {
  Start(
      "[[sparkplug]]\ngroup = \"G\"\nnode = \"N\"\n[[sparkplug.property]]\nname = \"first\"\n"
      "metric = \"Table\"\npointer = \"/0/a\"\n");
  sparkplug::DataSet set = TableOf({{"a", DataType::kDouble}});
  set.add_rows()->add_elements()->set_double_value(2.5);
  const auto table = [&] {
    return Named("Table", DataType::kDataSet, DataSet{set.SerializeAsString()});
  };
  Send("NBIRTH", Numbered(0, {Life(1), table()}));
  ASSERT_TRUE(UntilIs("t/first", Value(2.5)));
  EXPECT_EQ(sink_.DefOf("t/first").source, "spBv1.0/G/N Table /0/a");
  for (std::size_t i = 0; i < kDataSetCellsMax; ++i) set.add_rows();
  Send("NDATA", Numbered(1, {table()}));
  ASSERT_TRUE(UntilBad("t/first"));
  EXPECT_EQ(FailureOf("spBv1.0/G/N")->text,
            "first: a data set has more than 10000 rows, columns and cells");
  EXPECT_EQ(LimitOf("sparkplug_data_sets").hits, 1U);
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
