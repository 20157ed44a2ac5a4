// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include "drivers/host/host_driver.h"

namespace edgetwin::host {
namespace {

namespace fs = std::filesystem;

// Neither machine hangs: the kernel answers for itself, and what it must ask others for isn't read
// (network filesystems) or has drivers with threads of their own (hwmon, w1).
class MachineBench : public driver::testing::Bench {
 public:
  std::string options() const override { return "period = \"20ms\"\n"; }
  std::vector<std::string> mistakes() const override {
    return {"period = \"soon\"", "phase = \"2d\"", "collect = [\"cpus\"]", "per_core = 1"};
  }
};

// The one that runs this, of which nothing can be unplugged.
class ThisMachineBench final : public MachineBench {
 public:
  std::vector<std::string> paths() const override {
    return {"conformance/cpu/total_percent", "conformance/load/1min",
            "conformance/memory/total_bytes", "conformance/system/uptime_s",
            "conformance/system/kernel"};
  }
};

// A Raspberry Pi, recorded, that loses its card, its network and its sensor.
class RecordedBench final : public MachineBench {
 public:
  RecordedBench() : root_((fs::path(::testing::TempDir()) / "edgetwin-host-XXXXXX").string()) {
    EXPECT_NE(mkdtemp(root_.data()), nullptr);
    fs::copy(fs::path(EDGETWIN_SOURCE_DIR) / kRecording, root_, fs::copy_options::recursive);
  }
  ~RecordedBench() override { fs::remove_all(root_); }
  RecordedBench(const RecordedBench&) = delete;
  RecordedBench& operator=(const RecordedBench&) = delete;

  // The recorded mounts are not this machine's.
  std::string options() const override {
    return MachineBench::options() + "root = \"" + root_ +
           "\"\ncollect = [\"cpu\", \"load\", \"memory\", \"diskio\", \"net\", \"temperature\", "
           "\"system\"]\n";
  }
  std::vector<std::string> paths() const override {
    return {"conformance/diskio/mmcblk0/busy_percent", "conformance/net/end0/rx_bytes_per_s",
            "conformance/net/end0/rx_errors", "conformance/net/end0/up",
            "conformance/temperature/cpu-thermal"};
  }
  bool Unplug() override {
    KeepLinesWithout("proc/diskstats", "mmcblk0");
    KeepLinesWithout("proc/net/dev", "end0");
    Write(kSensor, "");
    for (const char* folder : kDevices) fs::rename(At(folder), Aside(folder));
    return true;
  }
  void Replug() override {
    for (const char* folder : kDevices) fs::rename(Aside(folder), At(folder));
    for (const char* file : {kSensor, "proc/diskstats", "proc/net/dev"}) {
      Write(file, Read(Recorded(file)));
    }
  }

 private:
  static constexpr const char* kRecording =
      "drivers/host/testcases/a_raspberry_pi_reports_its_zone_and_card/input/2";
  static constexpr const char* kDevices[] = {"sys/block/mmcblk0", "sys/class/net/end0",
                                             "sys/class/thermal/thermal_zone0"};
  static constexpr const char* kSensor = "sys/class/thermal/thermal_zone0/temp";

  fs::path At(const std::string& file) const { return root_ + "/" + file; }
  fs::path Aside(const fs::path& folder) const { return At(folder.filename().string()); }
  static fs::path Recorded(const std::string& file) {
    return fs::path(EDGETWIN_SOURCE_DIR) / kRecording / file;
  }
  static std::string Read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // In place, since the driver keeps it open.
  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(At(file)) << text;
  }
  void KeepLinesWithout(const std::string& file, std::string_view device) const {
    std::istringstream in(Read(Recorded(file)));
    std::string kept;
    for (std::string line; std::getline(in, line);) {
      if (line.find(device) == line.npos) kept += line + "\n";
    }
    Write(file, kept);
  }

  std::string root_;
};

EDGETWIN_DRIVER_CONFORMS(HostConformance, HostKind, ThisMachineBench);
EDGETWIN_DRIVER_CONFORMS(RecordedHostConformance, HostKind, RecordedBench);

}  // namespace
}  // namespace edgetwin::host
