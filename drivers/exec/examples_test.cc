// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The examples that people start from have to work.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "drivers/exec/exec_driver_test_base.h"

namespace edgetwin::exec {
namespace {

namespace fs = std::filesystem;
using model::Value;

const std::string kExamples = EDGETWIN_SOURCE_DIR "/drivers/exec/examples/";

// Empty when there is none.
std::string Python() {
  std::istringstream path(std::getenv("PATH"));
  for (std::string folder; std::getline(path, folder, ':');) {
    if (fs::exists(folder + "/python3")) return folder + "/python3";
  }
  return "";
}

class ExecExamplesTest : public ExecDriverTest {};

TEST_F(ExecExamplesTest, TheShellExampleReportsTheLoad) {
  StartProgram("program = \"" + kExamples + "load.sh\"\nperiod = \"20ms\"\n");
  ASSERT_TRUE(Until([&] { return sink_.Has("t/1m") && sink_.Samples("t/1m").size() >= 3; }));
  EXPECT_GE(sink_.Last("t/1m").value.real(), 0);
  EXPECT_GT(sink_.Last("t/processes").value.integer(), 1);
  EXPECT_EQ(Part().state, "ok");
  EXPECT_EQ(Part().last_error, "");
}

TEST_F(ExecExamplesTest, ThePythonExampleFillsItsTankThroughTheValve) {
  const std::string python = Python();
  if (python.empty()) GTEST_SKIP() << "there is no python3 here";
  StartProgram("program = \"" + python + "\"\nargs = [\"" + kExamples +
               "tank.py\"]\n[options]\nevery_s = 0.02\nheight_m = 2.0\n[env]\nPATH = \"" +
               std::getenv("PATH") + "\"\n");
  ASSERT_TRUE(UntilValue("t/level", Value(0.0)));
  std::optional<Result<Value>> outcome;
  ASSERT_TRUE(driver_.Write(sink_.IdOf("t/valve"), Value(50.0),
                            [&](Result<Value> result) { outcome = std::move(result); }));
  ASSERT_TRUE(Until([&] { return outcome.has_value(); }));
  ASSERT_TRUE(*outcome) << outcome->error().text;
  EXPECT_EQ(**outcome, Value(50.0));
  EXPECT_TRUE(UntilValue("t/level", Value(2.0)));
  EXPECT_EQ(Part().last_error, "");
}

}  // namespace
}  // namespace edgetwin::exec
