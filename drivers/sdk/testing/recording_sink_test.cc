// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/recording_sink.h"

#include <gtest/gtest.h>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::driver::testing {
namespace {

model::PropertyDef Def(std::string_view path) {
  model::PropertyDef def;
  def.path = *model::Path::Parse(path);
  def.type = model::ValueType::kDouble;
  def.unit = "kPa";
  def.decimals = 1;
  return def;
}

class RecordingSinkTest : public ::testing::Test {
 protected:
  ManualClock clock_;
  RecordingSink sink_{clock_};
};

TEST_F(RecordingSinkTest, WritesATranscriptInTheOrderOfPaths) {
  const model::PropertyId b = *sink_.Define(Def("t/b"));
  const model::PropertyId a = *sink_.Define(Def("t/a"));
  sink_.Report(b, model::Value(2.0), model::Quality::kGood);
  sink_.Report(a, model::Value(1.0), model::Quality::kUncertain);
  sink_.ReportBad(b);
  sink_.Remove(b);
  sink_.Polled("", {}, Unavailable("no answer"));
  EXPECT_EQ(sink_.TakeTranscript(),
            "define t/a double kPa .1\nt/a = 1.0 uncertain\ndefine t/b double kPa .1\nt/b = 2.0\n"
            "t/b bad\nt/b removed\npolled: unavailable: no answer\n");
  EXPECT_EQ(sink_.TakeTranscript(), "");
}

TEST_F(RecordingSinkTest, ABadValueKeepsTheLastOne) {
  const model::PropertyId id = *sink_.Define(Def("t/a"));
  sink_.Report(id, model::Value(7.5), model::Quality::kGood);
  sink_.ReportBad(id);
  EXPECT_EQ(sink_.Last("t/a").value, model::Value(7.5));
  EXPECT_EQ(sink_.Last("t/a").quality, model::Quality::kBad);
}

TEST_F(RecordingSinkTest, RefusesWhatTheAgentWouldRefuse) {
  sink_.ClaimElsewhere("t/mine");
  EXPECT_EQ(CodeOf(sink_.Define(Def("t/mine"))), ErrorCode::kConflict);
  sink_.set_properties_max(1);
  const model::PropertyId id = *sink_.Define(Def("t/a"));
  EXPECT_EQ(*sink_.Define(Def("t/a")), id);
  EXPECT_EQ(CodeOf(sink_.Define(Def("t/b"))), ErrorCode::kExhausted);
}

TEST_F(RecordingSinkTest, ADefinitionBringsARemovedPropertyBack) {
  const model::PropertyId id = *sink_.Define(Def("t/a"));
  sink_.Remove(id);
  EXPECT_FALSE(sink_.Has("t/a"));
  EXPECT_EQ(*sink_.Define(Def("t/a")), id);
  EXPECT_TRUE(sink_.Has("t/a"));
}

TEST(RecordingSinkDeathTest, HoldsDriversToTheContract) {
  ManualClock clock;
  RecordingSink sink(clock);
  const model::PropertyId id = *sink.Define(Def("t/a"));
  EXPECT_DEATH(sink.Report(id, model::Value(std::int64_t{1}), model::Quality::kGood), "type");
  EXPECT_DEATH(sink.ReportBad(model::PropertyId{7}), "properties_");
  sink.Revoke();
  EXPECT_DEATH(sink.Report(id, model::Value(1.0), model::Quality::kGood), "revoked_");
}

}  // namespace
}  // namespace edgetwin::driver::testing
