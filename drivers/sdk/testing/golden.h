// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Golden cases: one folder a claim, one runner for every driver.
//
//   testcases/<claim>/driver.toml   the instance's options; "{input}" stands for the input's folder
//   testcases/<claim>/input/        what the driver reads; or input/1, input/2, …: snapshots, one a
//                                   step
//   testcases/<claim>/expected      what it reports: RecordingSink's transcript after each step
//
// The driver runs on a manual clock, which stands still while one of its threads reads. Snapshots
// follow each other in place: a file that a driver keeps open shows the next snapshot's content.
// EDGETWIN_GOLDEN=update in the environment rewrites `expected`; read the difference before
// committing.

#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drivers/sdk/driver.h"

namespace edgetwin::driver::testing {

struct GoldenRunner {
  std::string instance;  // Its name in the configuration.
  std::function<std::unique_ptr<Driver>()> make;
  // How much time passes from one step to the next, and after the last.
  std::chrono::microseconds step{std::chrono::seconds(10)};
  bool show_times = false;
};

// The folders below `testcases`, by name. Empty when there are none, which a test should refuse.
std::vector<std::filesystem::path> FindGoldenCases(const std::filesystem::path& testcases);

// Runs one case, in a folder of its own that is gone afterwards, and gives what it reported.
std::string RunGoldenCase(const GoldenRunner& runner, const std::filesystem::path& folder);

// What is wrong with a sample configuration of [drivers.NAME] tables; empty when all is well.
std::string SampleProblems(const GoldenRunner& runner, const std::filesystem::path& file);

// The case's `expected`, after updating it with `reported` if the environment asks for that.
std::string ExpectedOf(const std::filesystem::path& folder, const std::string& reported);

}  // namespace edgetwin::driver::testing
