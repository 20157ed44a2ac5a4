// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "drivers/replay/replay_driver.h"

namespace edgetwin::replay {
namespace {

namespace fs = std::filesystem;

// A recording that goes round and round. It doesn't hang: it is a regular file, which the kernel
// lets nobody wait for but a disk.
class RecordingBench final : public driver::testing::Bench {
 public:
  RecordingBench() : folder_((fs::path(::testing::TempDir()) / "edgetwin-replay-XXXXXX").string()) {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    Replug();
  }
  ~RecordingBench() override { fs::remove_all(folder_); }
  RecordingBench(const RecordingBench&) = delete;
  RecordingBench& operator=(const RecordingBench&) = delete;

  // A row each 20 ms.
  std::string options() const override {
    return "file = \"" + File() + R"("
separator = ";"
time_column = "when"
speed = 500
loop = true
[[column]]
column = "p [kPa]"
property = "pressure"
decimals = 1
[[column]]
column = "n"
type = "int"
[[column]]
column = "on"
type = "bool"
[[column]]
column = "state"
type = "string"
)";
  }
  std::vector<std::string> mistakes() const override {
    return {"speed = 0", "loop = 1", "separator = \"::\"", "time = \"then\"", "time_column = 0"};
  }
  std::vector<std::string> paths() const override {
    return {"conformance/pressure", "conformance/n", "conformance/on", "conformance/state"};
  }
  bool Unplug() override {
    fs::remove(File());
    return true;
  }
  void Replug() override {
    fs::copy_file(fs::path(EDGETWIN_SOURCE_DIR) /
                      "drivers/replay/testcases/plays_columns_of_every_type/input/data.csv",
                  File(), fs::copy_options::overwrite_existing);
  }

 private:
  std::string File() const { return folder_ + "/data.csv"; }

  std::string folder_;
};

EDGETWIN_DRIVER_CONFORMS(ReplayConformance, ReplayKind, RecordingBench);

}  // namespace
}  // namespace edgetwin::replay
