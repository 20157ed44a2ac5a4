// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The main promise, over real parts: whatever is killed, restored or cloned, in whatever order,
// the twins become equal again, nothing acknowledged goes back, and nothing is written to a device
// twice without looking.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/command.h"
#include "tests/support/site.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;

int Kills() {
  const char* text = std::getenv("EDGETWIN_KILLS");
  return text == nullptr ? 10 : std::atoi(text);
}

// A recording of `columns` values that all change with every row, ten rows a second.
std::string WriteRecording(const TempDir& folder, int columns) {
  std::ostringstream csv;
  csv << "time";
  for (int c = 0; c < columns; ++c) csv << ",p" << c;
  csv << "\n";
  for (int row = 0; row < 200; ++row) {
    csv << row * 0.1;
    for (int c = 0; c < columns; ++c) csv << "," << (row * 7 + c * 13) % 1'000 / 10.0;
    csv << "\n";
  }
  return folder.Write("recording.csv", csv.str());
}

std::string ReplayToml(const std::string& file, int columns) {
  std::ostringstream toml;
  toml << "[drivers.replay]\nfile = \"" << file
       << "\"\ntime_column = \"time\"\ntime_format = \"unix_s\"\nspeed = 1.0\nloop = true\n"
          "time = \"now\"\n";
  for (int c = 0; c < columns; ++c) {
    toml << "[[drivers.replay.column]]\ncolumn = \"p" << c << "\"\nproperty = \"p" << c
         << "\"\ndecimals = 1\n";
  }
  return toml.str();
}

class CrashTest : public testing::Test {
 protected:
  CrashTest() {
    const int columns = 190;
    SiteOptions options;
    options.bin = EDGETWIN_BIN_DIR;
    options.drivers = ReplayToml(WriteRecording(folder_, columns), columns);
    options.store_keys = "commit_window = \"300ms\"\n";
    site_ = std::make_unique<Site>(std::move(options));
  }

  // Asks the cloud where the device's acknowledged revision stands; it must never go back.
  void WatchAcknowledged() {
    const json twin = site_->twins().CloudSnapshot();
    if (!twin.is_object() || !twin.contains("durable")) return;
    const auto durable = twin["durable"].value("state", std::uint64_t{0});
    EXPECT_GE(durable, acknowledged_) << "an acknowledged revision went back";
    acknowledged_ = std::max(acknowledged_, durable);
  }

  void Wait(double seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      WatchAcknowledged();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  void Desire(int step) {
    char patch[120];
    std::snprintf(patch, sizeof patch,
                  R"({"valve":{"position_setpoint":%.1f},"pump":{"speed_setpoint":%d}})",
                  (step * 37) % 1'000 / 10.0, (step * 311) % 3'000);
    (void)site_->twins().Desire(patch);  // The cloud may be down just now.
  }

  Ran Cli(const std::string& config, std::vector<std::string> args) {
    args.insert(args.begin(), {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config", config});
    return RunCommand(std::move(args));
  }

  // In step, so that the copies that are taken next are of the current epoch: an older one is
  // refused until an operator admits it (P-4.5).
  void Settle() {
    ASSERT_TRUE(site_->WaitForTwin(60)) << site_->trouble();
    ASSERT_TRUE(site_->twins().CompareUntilEqual(60).same_watermark);
  }

  void BackUpDevice() {
    ASSERT_NO_FATAL_FAILURE(Settle());
    const Ran made = Cli(site_->config_file(), {"backup", "--force", site_->File("backup.db")});
    ASSERT_EQ(made.exit, 0) << made.err;
  }

  void CopyCloud() {
    ASSERT_NO_FATAL_FAILURE(Settle());
    site_->KillCloud();
    const std::filesystem::path copy = site_->File("cloud-copy");
    std::filesystem::remove_all(copy);
    std::filesystem::copy(site_->File("cloud"), copy, std::filesystem::copy_options::recursive);
    ASSERT_TRUE(site_->StartCloud()) << site_->trouble();
  }

  void RestoreDevice() {
    site_->KillAgent();
    const Ran ran = Cli(site_->config_file(), {"restore", "--yes", site_->File("backup.db")});
    ASSERT_EQ(ran.exit, 0) << ran.err;
    // However often it is repeated.
    std::filesystem::remove(site_->store_file() + ".before-restore-1");
    ASSERT_TRUE(site_->StartAgent()) << site_->trouble();
  }

  void RestoreCloud() {
    site_->KillCloud();
    const std::filesystem::path folder = site_->File("cloud");
    std::filesystem::remove_all(folder);
    std::filesystem::copy(site_->File("cloud-copy"), folder,
                          std::filesystem::copy_options::recursive);
    acknowledged_ = 0;  // It forgot what it had acknowledged.
    ASSERT_TRUE(site_->StartCloud()) << site_->trouble();
  }

  // A second machine with the device's id and an older copy of its store, for a while.
  void RunClone(double seconds) {
    ASSERT_NO_FATAL_FAILURE(Settle());  // Else it isn't the second one.
    const std::filesystem::path folder = site_->File("clone");
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    std::string config = ReadFile(site_->config_file());
    const std::string store = std::filesystem::path(site_->store_file()).parent_path();
    config.replace(config.find(store), store.size(), folder);
    config.replace(config.find(site_->socket()), site_->socket().size(), folder / "sock");
    std::ofstream(folder / "edgetwin.toml") << config;
    const Ran ran = Cli(folder / "edgetwin.toml", {"restore", "--yes", site_->File("backup.db")});
    ASSERT_EQ(ran.exit, 0) << ran.err;
    ChildOptions options;
    options.args = {std::string(EDGETWIN_BIN_DIR) + "/edgetwind", "--config",
                    folder / "edgetwin.toml"};
    options.output_file = site_->File("clone.log");
    const Child clone(std::move(options));
    Wait(seconds);
  }

  void ExpectReadBeforeWrite() {
    std::istringstream log(ReadFile(site_->File("requests")));
    std::map<int, std::set<std::pair<int, int>>> read;  // By connection: units' addresses.
    std::string line;
    int writes = 0;
    while (std::getline(log, line)) {
      int connection = 0, unit = 0, function = 0, address = 0, count = 0;
      ASSERT_EQ(
          std::sscanf(line.c_str(), "time_us=%*d connection=%d unit=%d fc=%d address=%d count=%d",
                      &connection, &unit, &function, &address, &count),
          5)
          << line;
      if (function == 3) {
        for (int i = 0; i < count; ++i) read[connection].insert({unit, address + i});
      }
      if (function == 6 || function == 16) {
        ++writes;
        EXPECT_TRUE(read[connection].contains({unit, address}))
            << "written before it was read on connection " << connection << ": " << line;
      }
    }
    EXPECT_GT(writes, 0);
  }

  TempDir folder_;
  std::unique_ptr<Site> site_;
  std::uint64_t acknowledged_ = 0;
};

TEST_F(CrashTest, TwinsBecomeEqualWhateverIsKilledRestoredOrCloned) {
  ASSERT_EQ(site_->trouble(), "");
  const auto seed =
      static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
  RecordProperty("seed", static_cast<int>(seed));
  std::mt19937 random(seed);
  std::vector<int> victims;
  for (int i = 0; i < Kills(); ++i) victims.insert(victims.end(), {0, 1, 2});
  for (int i = 0; i < std::max(1, Kills() / 10); ++i) victims.insert(victims.end(), {3, 4, 5});
  std::shuffle(victims.begin(), victims.end(), random);
  const auto pause = [&] { return 0.05 + static_cast<double>(random() % 500) / 1e3; };
  int step = 0;
  for (const int victim : victims) {
    if (victim == 3 || victim == 4) BackUpDevice();
    if (victim == 5) CopyCloud();
    ASSERT_FALSE(HasFatalFailure());
    Desire(++step);
    Wait(pause());
    if (victim >= 3) {
      if (victim == 3) RestoreDevice();
      if (victim == 4) RunClone(2);
      if (victim == 5) RestoreCloud();
      ASSERT_FALSE(HasFatalFailure());
      continue;
    }
    if (victim == 0) site_->broker().Kill();
    if (victim == 1) site_->KillCloud();
    if (victim == 2) site_->KillAgent();
    Wait(pause());
    if (victim == 0) site_->broker().Start();
    const bool started = victim == 0 || (victim == 1 ? site_->StartCloud() : site_->StartAgent());
    ASSERT_TRUE(started) << site_->trouble();
  }
  ASSERT_TRUE(site_->WaitForTwin(60)) << site_->trouble();
  const HttpAnswer last = site_->twins().Desire(
      R"({"valve":{"position_setpoint":42.5},"pump":{"speed_setpoint":1234}})");
  ASSERT_LE(last.status, 202) << last.body;
  // Every desired value ends in a status that speaks of its dot.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::map<std::string, json> desired, status;
  for (bool done = false; !done && std::chrono::steady_clock::now() < end;) {
    Wait(0.1);
    desired.clear();
    status.clear();
    const json snapshot = site_->twins().CloudSnapshot();
    for (const json& row : snapshot.value("rows", json::array())) {
      if (row["side"] == "desired") desired[row["path"]] = row;
      if (row["side"] == "status") status[row["path"]] = row;
    }
    done = desired.size() == 2;
    for (const auto& [path, row] : desired) {
      done = done && status.contains(path) && status[path]["refers_to"] == row["dot"] &&
             status[path]["state"] != "pending";
    }
  }
  ASSERT_EQ(desired.size(), 2u);
  for (const auto& [path, row] : desired) {
    EXPECT_EQ(status[path]["refers_to"], row["dot"]) << path;
    EXPECT_EQ(status[path]["state"], "applied") << path << status[path].dump();
  }
  const Comparison comparison = site_->twins().CompareUntilEqual(30);
  EXPECT_TRUE(comparison.same_watermark);
  EXPECT_EQ(comparison.trouble, "");
  EXPECT_GE(comparison.rows, 200u);
  for (std::size_t i = 0; i < std::min<std::size_t>(comparison.differences.size(), 5); ++i) {
    ADD_FAILURE() << comparison.differences[i];
  }
  ExpectReadBeforeWrite();
  if (HasFailure()) {
    ADD_FAILURE() << "seed " << seed << "\n"
                  << site_->Log("edgetwind") << site_->Log("edgetwin-cloud");
  }
}

TEST_F(CrashTest, ACleanStopLosesNothingAndStartsWhereItWas) {
  ASSERT_EQ(site_->trouble(), "");
  ASSERT_TRUE(site_->twins().CompareUntilEqual(20).equal());
  site_->agent()->Kill(SIGTERM);
  ASSERT_EQ(site_->agent()->Wait(std::chrono::seconds(10)), 0) << site_->Log("edgetwind");
  const json twin = json::parse(site_->twins().AskCloud("").body, nullptr, false);
  EXPECT_FALSE(twin.value("connected", true)) << "Bye was said";
  ASSERT_TRUE(site_->StartAgent());
  ASSERT_TRUE(site_->WaitForTwin(15)) << site_->trouble();
  EXPECT_TRUE(site_->twins().CompareUntilEqual(20).equal());
}

}  // namespace
}  // namespace edgetwin::tests
