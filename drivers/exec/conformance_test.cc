// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "drivers/exec/exec_driver.h"

namespace edgetwin::exec {
namespace {

namespace fs = std::filesystem;

// A tank that is a file, behind a program that is asked.
class ProgramBench final : public driver::testing::Bench {
 public:
  ProgramBench() : folder_((fs::path(::testing::TempDir()) / "edgetwin-exec-XXXXXX").string()) {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    std::ofstream(fs::path(folder_) / "script") << R"(cd "$1" || exit
read -r hello
echo '{"define":{"path":"level","type":"int","writable":true}}'
echo '{"ready":{}}'
while read -r line; do
  while [ -e hangs ]; do sleep 0.02; done
  case $line in
    '{"read":'*)
      if [ -e gone ]
      then echo '{"bad":"level"}'
      else echo "{\"values\":{\"level\":$(cat level)}}"
      fi
      echo '{"read_done":{}}' ;;
    '{"write":'*)
      id=${line#*\"id\":} value=${line#*\"value\":}
      id=${id%%[,\}]*} value=${value%%[,\}]*}
      if [ "$value" -gt 100 ]; then
        echo "{\"write_done\":{\"id\":$id,\"error\":\"it would overflow\"}}"
      else
        echo "$value" >level
        echo "{\"write_done\":{\"id\":$id,\"value\":$value}}"
      fi ;;
    '{"stop":'*) exit 0 ;;
  esac
done
)";
    std::ofstream(fs::path(folder_) / "level") << "7\n";
  }
  ~ProgramBench() override {
    Resume();
    fs::remove_all(folder_);
  }
  ProgramBench(const ProgramBench&) = delete;
  ProgramBench& operator=(const ProgramBench&) = delete;

  std::string options() const override {
    return "program = \"/bin/sh\"\nargs = [\"" + folder_ + "/script\", \"" + folder_ +
           "\"]\nperiod = \"50ms\"\nsilence = \"1s\"\nrestart_min = \"10ms\"\n";
  }
  std::vector<std::string> mistakes() const override {
    return {"silence = \"soon\"", "memory_max = \"much\""};
  }
  std::vector<std::string> paths() const override { return {"conformance/level"}; }
  bool Unplug() override { return Mark("gone", true); }
  void Replug() override { Mark("gone", false); }
  bool Hang() override { return Mark("hangs", true); }
  void Resume() override { Mark("hangs", false); }
  std::optional<Writing> writing() const override {
    return Writing{"conformance/level", model::Value(std::int64_t{42}),
                   model::Value(std::int64_t{101})};
  }

 private:
  bool Mark(const char* name, bool set) {
    const fs::path file = fs::path(folder_) / name;
    if (set) {
      std::ofstream(file) << "\n";
    } else {
      fs::remove(file);
    }
    return true;
  }

  std::string folder_;
};

EDGETWIN_DRIVER_CONFORMS(ExecConformance, ExecKind, ProgramBench);

}  // namespace
}  // namespace edgetwin::exec
