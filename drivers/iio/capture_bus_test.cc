// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/capture_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/iio/iio_test_tree.h"
#include "drivers/iio/stamp_clock.h"

namespace edgetwin::iio {
namespace {

using driver::PollStep;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BufferTree;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Stamped;

class CaptureBusTest : public ::testing::Test {
 protected:
  // Of the channels that the tree has by then, all in volts.
  void Make(const std::vector<std::string>& channels) {
    options_.spec = tree_.SpecOf(channels);
    options_.spec.length = length_;
    properties_.clear();
    options_.inputs.clear();
    for (const std::string& channel : channels) {
      Input input;
      input.name = channel;
      input.scale = tree_.device() + "/in_voltage_scale";
      input.factor = 1e-3;
      options_.inputs.push_back(input);
      driver::BusProperty property;
      property.def.path = *model::Path::Parse("field/adc/" + channel);
      property.def.decimals = 4;
      properties_.push_back(property);
    }
    bus_ = std::make_unique<CaptureBus>(options_, properties_, tally_);
    Poll();  // Switches the buffer on.
  }

  // A whole poll; the last step's, with the readings of all.
  PollStep Poll() {
    PollStep step = bus_->Poll(0, true, MonoTime());
    while (step.more) {
      PollStep next = bus_->Poll(0, false, MonoTime());
      next.readings.insert(next.readings.begin(), step.readings.begin(), step.readings.end());
      step = std::move(next);
    }
    return step;
  }

  static std::vector<double> ValuesOf(const PollStep& step) {
    EXPECT_TRUE(step.status) << step.status.error().text;
    std::vector<double> values;
    for (const driver::Reading& reading : step.readings) values.push_back(reading.value.real());
    return values;
  }

  std::vector<double> BoxOf(const std::string& channel) {
    std::vector<double> values;
    for (const StampedSample& sample : tally_->box.Take("field/adc/" + channel)) {
      values.push_back(sample.value.real());
    }
    return values;
  }

  BufferTree tree_;
  CaptureOptions options_;
  std::uint64_t length_ = 1024;
  std::vector<driver::BusProperty> properties_;
  std::shared_ptr<CaptureTally> tally_ = std::make_shared<CaptureTally>();
  std::unique_ptr<CaptureBus> bus_;
};

TEST_F(CaptureBusTest, ValuesAreTakenOutOfAMixedScan) {
  // 12 of 16 bits with a shift, 24 of 32, 8, and the time:
  // 0-1 voltage1, 2-3 nothing, 4-7 voltage0, 8 voltage2, 9-15 nothing, 16-23 the time.
  tree_.AddElement("voltage0", 4, "be:u24/32>>0");
  tree_.AddElement("voltage1", 2, "be:s12/16>>4");
  tree_.AddElement("voltage2", 9, "le:s8/8>>0");
  tree_.AddElement("timestamp", 10, "le:s64/64>>0");
  Make({"voltage0", "voltage1", "voltage2"});
  tree_.Measure(Stamped({0xff, 0xe0, 0xaa, 0xaa, 0xaa, 0x01, 0x00, 0x02,  //
                         0x80, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa},
                        NowNs(CLOCK_REALTIME)));
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(65538.0, -2.0, -128.0));
}

TEST_F(CaptureBusTest, TheLastScanIsWhatIsReported) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  Make({"voltage0"});
  tree_.Measure({1, 0, 2, 0, 9, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(9.0));
  EXPECT_THAT(BoxOf("voltage0"), ElementsAre(9.0));
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre()) << "no scan, no value";
}

TEST_F(CaptureBusTest, TheMeanIsThatOfThePeriodsScans) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  options_.keep = Keep::kMean;
  Make({"voltage0"});
  tree_.Measure({1, 0, 2, 0, 9, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(4.0));
  tree_.Measure({7, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(7.0)) << "the scans of before are in the mean before";
}

TEST_F(CaptureBusTest, AllScansAreKeptInTheirOrder) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  options_.keep = Keep::kAll;
  Make({"voltage0"});
  tree_.Measure({1, 0, 2, 0, 9, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(9.0)) << "says that there is something in the box";
  EXPECT_THAT(BoxOf("voltage0"), ElementsAre(1.0, 2.0, 9.0));
}

TEST_F(CaptureBusTest, APeriodIsSeveralPollsAndTheFirstScanComesAtOnce) {
  EXPECT_EQ(RhythmOf(milliseconds(10)).poll, milliseconds(10));
  EXPECT_EQ(RhythmOf(milliseconds(10)).report_every, 1u);
  EXPECT_EQ(RhythmOf(milliseconds(150)).poll, milliseconds(75));
  EXPECT_EQ(RhythmOf(seconds(10)).poll, milliseconds(100));
  EXPECT_EQ(RhythmOf(seconds(10)).report_every, 100u);

  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  options_.keep = Keep::kMean;
  options_.report_every = 3;
  Make({"voltage0"});  // Poll 1.
  tree_.Measure({2, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(2.0));
  tree_.Measure({4, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(4.0)) << "poll 3 ends the period";
  tree_.Measure({6, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre());
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre());
  tree_.Measure({8, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(7.0));
}

TEST_F(CaptureBusTest, StampsGiveTheTimesOfTheSamples) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  tree_.AddElement("timestamp", 1, "le:s64/64>>0");
  tree_.Put("current_timestamp_clock", "monotonic\n");
  options_.keep = Keep::kAll;
  Make({"voltage0"});
  const SystemClock clock;
  const MonoTime before = clock.Now();
  const std::int64_t stamp = NowNs(CLOCK_MONOTONIC);
  tree_.Measure(Stamped({1, 0, 0, 0, 0, 0, 0, 0}, stamp - 5'000'000'000));
  tree_.Measure(Stamped({2, 0, 0, 0, 0, 0, 0, 0}, stamp - 4'250'000'000));
  Poll();
  const MonoTime after = clock.Now();
  const auto samples = tally_->box.Take("field/adc/voltage0");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[1].at - samples[0].at, milliseconds(750));
  EXPECT_GE(samples[0].at, before - seconds(5) - milliseconds(1));
  EXPECT_LE(samples[0].at, after - seconds(5) + milliseconds(1));
}

TEST_F(CaptureBusTest, WhatCanNotBeAStampCountsAsTheTimeOfReading) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  tree_.AddElement("timestamp", 1, "le:s64/64>>0");
  Make({"voltage0"});
  const MonoTime before = SystemClock().Now();
  tree_.Measure(Stamped({1, 0, 0, 0, 0, 0, 0, 0}, 0));
  Poll();
  const auto samples = tally_->box.Take("field/adc/voltage0");
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_GE(samples[0].at, before);
  EXPECT_EQ(tally_->stamps.hits(), 1u);
}

TEST_F(CaptureBusTest, AScaleThatIsSwitchedIsFollowed) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  Make({"voltage0"});
  tree_.Measure({3, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(3.0));
  tree_.Put("in_voltage_scale", "500\n");
  tree_.Measure({3, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(1.5));
}

TEST_F(CaptureBusTest, AChannelWithoutItsScaleIsBadAndTheOthersAreNot) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  tree_.AddElement("voltage1", 1, "le:s16/16>>0");
  for (const Keep keep : {Keep::kLast, Keep::kAll}) {
    options_.keep = keep;
    Make({"voltage0", "voltage1"});
    options_.inputs[0].scale = tree_.device() + "/in_voltage0_scale";
    tree_.Put("in_voltage0_scale", "much\n");
    bus_ = std::make_unique<CaptureBus>(options_, properties_, tally_);
    Poll();
    tree_.Measure({3, 0, 4, 0});
    const PollStep step = Poll();
    ASSERT_EQ(step.readings.size(), 2u);
    EXPECT_TRUE(step.readings[0].value.none());
    EXPECT_EQ(step.readings[1].value, Value(4.0));
    EXPECT_TRUE(step.answered);
    EXPECT_THAT(step.status.error().text, HasSubstr("'much' is no number"));
  }
}

TEST_F(CaptureBusTest, AValueThatIsTooLargeIsBad) {
  tree_.AddElement("voltage0", 0, "le:u16/16>>0");
  tree_.Put("in_voltage_scale", "1e308\n");
  for (const Keep keep : {Keep::kLast, Keep::kAll}) {
    options_.keep = keep;
    Make({"voltage0"});
    tree_.Measure({0xff, 0xff});
    const PollStep step = Poll();
    EXPECT_TRUE(step.readings.at(0).value.none());
    EXPECT_THAT(step.status.error().text, HasSubstr("too large"));
    EXPECT_THAT(BoxOf("voltage0"), ElementsAre());
  }
}

TEST_F(CaptureBusTest, AFullBufferIsToldAndCounted) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  length_ = 4;
  Make({"voltage0"});
  tree_.Measure({1, 0, 2, 0, 3, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(3.0));
  EXPECT_EQ(tally_->scans.hits(), 0u);
  tree_.Measure({1, 0, 2, 0, 3, 0, 4, 0});
  const PollStep step = Poll();
  EXPECT_EQ(step.status.error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(step.answered);
  EXPECT_EQ(step.readings.at(0).value, Value(4.0)) << "what there is counts";
  EXPECT_EQ(tally_->scans.hits(), 1u);
  EXPECT_EQ(tally_->scans.Report("").peak, 4u);
}

TEST_F(CaptureBusTest, AStepTakesSoManyValuesAndAPollSoManySteps) {
  tree_.AddElement("voltage0", 0, "le:u8/8>>0");
  Make({"voltage0"});
  tree_.Measure(std::vector<std::uint8_t>(CaptureBus::kValuesMax * CaptureBus::kStepsMax + 1, 7));
  for (std::size_t i = 1; i < CaptureBus::kStepsMax; ++i) {
    EXPECT_TRUE(bus_->Poll(0, i == 1, MonoTime()).more) << i;
  }
  const PollStep last = bus_->Poll(0, false, MonoTime());
  EXPECT_FALSE(last.more) << "the rest is for the next poll";
  EXPECT_EQ(tally_->scans.Report("").peak, CaptureBus::kValuesMax * CaptureBus::kStepsMax);
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(7.0));
}

TEST_F(CaptureBusTest, ABoxThatIsFullTakesNoMoreAndCounts) {
  SampleBox box;
  for (std::uint64_t i = 0; i < SampleBox::kSamplesMax; ++i) box.Put("a", {Value(1.0), {}});
  box.Put("a", {Value(1.0), {}});
  box.Put("b", {Value(1.0), {}});
  EXPECT_EQ(box.limit().hits, 2u);
  EXPECT_EQ(box.Take("a").size(), SampleBox::kSamplesMax);
  box.Put("b", {Value(1.0), {}});
  EXPECT_EQ(box.limit().used, 1u);
}

TEST_F(CaptureBusTest, ChannelsAreBadWhileNoScanComes) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  options_.timeout = milliseconds(1);
  Make({"voltage0"});
  PollStep step = Poll();
  while (step.status) step = Poll();  // Until a millisecond has passed.
  EXPECT_EQ(step.status.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(step.answered) << "its buffer is on";
  EXPECT_TRUE(step.readings.at(0).value.none());
  tree_.Measure({3, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(3.0));
}

TEST_F(CaptureBusTest, ADeviceThatWentIsCapturedAgainWhenItIsBack) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  Make({"voltage0"});
  tree_.Measure({3, 0});
  Poll();
  tree_.Unplug();
  PollStep step = Poll();
  EXPECT_FALSE(step.answered);
  EXPECT_EQ(step.status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(tree_.Get("buffer0/enable"), "0");
  step = Poll();
  EXPECT_FALSE(step.answered);
  EXPECT_EQ(step.status.error().code, ErrorCode::kNotFound);
  tree_.PlugIn();
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre());
  EXPECT_EQ(tree_.Get("buffer0/enable"), "1");
  EXPECT_THAT(BoxOf("voltage0"), ElementsAre()) << "what was from before is too old";
  tree_.Measure({4, 0});
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(4.0));
}

TEST_F(CaptureBusTest, WhoAsksGetsTheNewestScan) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  options_.keep = Keep::kMean;
  Make({"voltage0"});
  EXPECT_FALSE(bus_->Read(0, MonoTime()).value) << "there is none yet";
  tree_.Measure({3, 0, 5, 0});
  EXPECT_EQ(*bus_->Read(0, MonoTime()).value, Value(5.0));
  EXPECT_EQ(*bus_->Read(0, MonoTime()).value, Value(5.0));
  EXPECT_THAT(ValuesOf(Poll()), ElementsAre(4.0)) << "they count in the mean all the same";
  tree_.Measure({3, 0, 5});
  EXPECT_FALSE(bus_->Read(0, MonoTime()).value) << "that is half a scan";
  tree_.Measure({3, 0});
  EXPECT_FALSE(Poll().answered) << "who knows where scans begin now?";
}

TEST_F(CaptureBusTest, TheEndSwitchesTheBufferOff) {
  tree_.AddElement("voltage0", 0, "le:s16/16>>0");
  Make({"voltage0"});
  EXPECT_EQ(tree_.Get("buffer0/enable"), "1");
  bus_.reset();
  EXPECT_EQ(tree_.Get("buffer0/enable"), "0");
}

}  // namespace
}  // namespace edgetwin::iio
