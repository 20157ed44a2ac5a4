// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The history's promise, over real parts: however often the daemon is killed while it commits and
// evicts, no sample that was on flash is gone without a record.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;

int Kills() {
  const char* text = std::getenv("EDGETWIN_KILLS");
  return text == nullptr ? 10 : std::atoi(text);
}

// A hundred rows a second of two long texts and a number. Texts that hardly compress fill a block
// in half a second and the smallest history in a few: blocks are committed and evicted all the
// time.
std::string WriteRecording(const TempDir& folder) {
  std::mt19937 random(4);
  std::ostringstream csv;
  csv << "time,a,b,n\n";
  for (int row = 0; row < 150; ++row) {
    csv << row * 0.01;
    for (int column = 0; column < 2; ++column) {
      csv << ",";
      for (int i = 0; i < 6'000; ++i) csv << static_cast<char>('a' + random() % 10);
    }
    csv << "," << row << "\n";
  }
  return folder.Write("recording.csv", csv.str());
}

SiteOptions Options(const std::string& recording) {
  SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.plant = false;
  options.drivers =
      "[history]\nbytes_max = \"1MiB\"\n\n[drivers.replay]\nfile = \"" + recording +
      "\"\ntime_column = \"time\"\ntime_format = \"unix_s\"\nloop = true\n"
      "column = [\n"
      "  { column = \"a\", property = \"a\", type = \"string\", local_only = true },\n"
      "  { column = \"b\", property = \"b\", type = \"string\", local_only = true },\n"
      "  { column = \"n\", property = \"n\", type = \"int\" },\n]\n";
  return options;
}

// What the audit says of one path. `lost`: gone from the device, for whatever reason; also when the
// cloud has it.
struct Account {
  std::uint64_t produced = 0;
  std::uint64_t stored = 0;
  std::uint64_t lost = 0;
  std::uint64_t lost_at_most = 0;
};

class HistoryCrashTest : public testing::Test {
 protected:
  HistoryCrashTest() : site_(Options(WriteRecording(folder_)), false) {}
  void SetUp() override {
    ASSERT_TRUE(site_.StartCloud() && site_.StartAgent()) << site_.trouble();
    ASSERT_TRUE(site_.WaitForTwin(20)) << site_.trouble();
  }

  Ran Cli(std::vector<std::string> args) {
    args.insert(args.begin(),
                {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config", site_.config_file()});
    return RunCommand(std::move(args));
  }

  // Until then a path's samples have no record: its name isn't on flash.
  bool NamesAreStored() {
    const json status = json::parse(Cli({"status", "--json"}).out, nullptr, false);
    return status.is_object() && status["history"].is_object() &&
           status["history"]["commits"].get<int>() > 0;
  }

  // Whether the daemon runs, with its history.
  bool Recording() {
    const Ran ran = Cli({"history", "audit", "--json"});
    return ran.exit == 0 && ran.err.empty() && ran.out.find("replay/n") != std::string::npos;
  }

  // Of every path; fails the test when it doesn't add up.
  std::map<std::string, Account> Audit() {
    const Ran ran = Cli({"history", "audit", "--json"});
    EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
    const json answer = json::parse(ran.out, nullptr, false);
    std::map<std::string, Account> audit;
    if (!answer.is_object()) return audit;
    for (const json& path : answer["paths"]) {
      const auto number = [&path](const char* key) { return path[key].get<std::uint64_t>(); };
      const Account account = {number("produced"), number("stored"),
                               number("lost") + number("delivered"), number("lost_at_most")};
      EXPECT_EQ(account.produced,
                account.stored + account.lost + account.lost_at_most + number("in_memory"))
          << path.dump();
      audit[path["path"]] = account;
    }
    return audit;
  }

  // Whatever was on flash, or accounted for, still is.
  void ExpectNothingForgotten(const std::map<std::string, Account>& before,
                              const std::map<std::string, Account>& after) {
    for (const auto& [path, account] : before) {
      const auto found = after.find(path);
      ASSERT_NE(found, after.end()) << path;
      const Account& now = found->second;
      EXPECT_GE(now.stored + now.lost, account.stored + account.lost) << path;
      EXPECT_GE(now.lost, account.lost) << path;
      EXPECT_GE(now.lost_at_most, account.lost_at_most) << path;
      EXPECT_GE(now.produced, account.stored + account.lost + account.lost_at_most) << path;
    }
  }

  TempDir folder_;
  Site site_;
};

TEST_F(HistoryCrashTest, WhateverWasStoredIsThereOrInTheLedgerHoweverOftenTheDaemonIsKilled) {
  const auto seed =
      static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  ASSERT_TRUE(Until([this] { return NamesAreStored(); }, 20)) << site_.Log("edgetwind");
  std::map<std::string, Account> before;
  for (int kill = 0; kill < Kills(); ++kill) {
    ASSERT_TRUE(Until([this] { return Recording(); }, 20)) << site_.Log("edgetwind");
    // At any moment: while it starts, commits, or makes room.
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1'500));
    const std::map<std::string, Account> killed = Audit();
    ExpectNothingForgotten(before, killed);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    site_.KillAgent();
    // From the file alone, too.
    before = Audit();
    ExpectNothingForgotten(killed, before);
    ASSERT_TRUE(site_.StartAgent()) << site_.trouble();
    ASSERT_FALSE(HasFailure()) << site_.Log("edgetwind");
  }
  const auto evicted = [this] {
    return std::ranges::any_of(Audit(), [](const auto& path) { return path.second.lost > 0; });
  };
  EXPECT_TRUE(Until(evicted, 30)) << "nothing was evicted: " << Cli({"history", "gaps"}).out;
  ASSERT_TRUE(Until([this] { return Recording(); }, 20)) << site_.Log("edgetwind");
  ExpectNothingForgotten(before, Audit());
  site_.agent()->Kill(SIGTERM);
  ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0) << site_.Log("edgetwind");
  const std::map<std::string, Account> last = Audit();
  for (const auto& [path, account] : last) {
    // What an unclean stop may have taken: the window of each opening that was killed.
    EXPECT_LE(account.lost_at_most, static_cast<std::uint64_t>(Kills()) * 4'096) << path;
    const Ran values = Cli({"history", path, "--points", "5", "--json"});
    EXPECT_EQ(values.exit, 0) << values.err;
    EXPECT_EQ(json::parse(values.out, nullptr, false)["damaged_blocks"], 0) << path;
  }
}

}  // namespace
}  // namespace edgetwin::tests
