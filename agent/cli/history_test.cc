// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a technician sees of the past: the real programs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "agent/cli/failure.h"
#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cli {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using tests::Ran;
using tests::Site;
namespace fs = std::filesystem;

tests::SiteOptions Options() {
  tests::SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.drivers = "[properties.\"pump/*\"]\nhistory = \"off\"\n";
  return options;
}

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() : site_(Options()) {}
  void SetUp() override { ASSERT_EQ(site_.trouble(), ""); }

  Ran Ask(std::vector<std::string> args) {
    args.insert(args.begin(), {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config",
                               site_.config_file(), "history"});
    return tests::RunCommand(std::move(args));
  }
  Json Answer(std::vector<std::string> args) {
    args.push_back("--json");
    return Json::parse(Ask(std::move(args)).out, nullptr, false);
  }
  std::size_t Samples() {
    const Json answer = Answer({"tank/level"});
    return answer.is_object() ? answer["samples"].size() : 0;
  }
  // Of the tank's level, or 0.
  std::uint64_t Audited(const char* what) {
    const Json answer = Answer({"audit"});
    for (const Json& path : answer["paths"]) {
      if (path["path"] == "tank/level") return path[what].get<std::uint64_t>();
    }
    return 0;
  }

  Site site_;
};

TEST_F(HistoryTest, ShowsWhatWasJustSampledAndWhatAStoppedDaemonLeft) {
  ASSERT_TRUE(tests::Until([this] { return Samples() >= 5; }, 20)) << Ask({"tank/level"}).err;
  const Ran plot = Ask({"tank/level"});
  EXPECT_EQ(plot.exit, 0) << plot.err;
  EXPECT_THAT(plot.out, HasSubstr("•"));
  EXPECT_THAT(Ask({"tank/level", "--csv"}).out,
              MatchesRegex("time,value,quality\n(20[^,\n]+,-?[0-9.]+,good\n)+"));
  EXPECT_THAT(Ask({"tank/level", "--points", "3"}).out, HasSubstr("MEAN"));
  EXPECT_EQ(Ask({"pump/no_such"}).exit, static_cast<int>(Exit::kNotFound));
  EXPECT_EQ(Ask({"tank/level", "--from", "yesterday"}).exit, static_cast<int>(Exit::kUsage));
  EXPECT_THAT(Ask({"gaps"}).out, HasSubstr("nothing is missing"));
  EXPECT_EQ(Ask({"audit"}).exit, 0) << Ask({"audit"}).out;
  const Json running = Answer({"audit"});
  for (const Json& path : running["paths"]) {
    EXPECT_FALSE(path["path"].get<std::string>().starts_with("pump/")) << "it is off for these";
  }

  site_.agent()->Kill(SIGTERM);
  ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0);
  EXPECT_GE(Samples(), 5u);
  const Json audit = Answer({"audit"});
  EXPECT_EQ(audit["adds_up"], true);
  EXPECT_EQ(Audited("stored"), Audited("produced")) << "a clean stop loses nothing";
  EXPECT_GE(Audited("produced"), 5u);
}

TEST_F(HistoryTest, AKilledDaemonsWindowIsAnUpperBoundAmongTheGaps) {
  // Once the path is on flash; its samples are still in memory.
  const auto commits = [this] {
    const Ran ran = tests::RunCommand({std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config",
                                       site_.config_file(), "status", "--json"});
    return Json::parse(ran.out, nullptr, false)["history"]["commits"].get<int>();
  };
  ASSERT_TRUE(tests::Until([&] { return Samples() >= 5 && commits() >= 1; }, 20));
  site_.KillAgent();
  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(tests::Until([this] { return Samples() >= 1; }, 20));
  EXPECT_THAT(Ask({"gaps", "tank/level"}).out, HasSubstr("unclean_stop"));
  EXPECT_EQ(Audited("lost_at_most"), 4'096u);
  EXPECT_EQ(Ask({"audit"}).exit, 0) << Ask({"audit"}).out;
}

TEST_F(HistoryTest, ADamagedFileIsPutAsideAndWhatIsWholeOfItIsStillShown) {
  ASSERT_TRUE(tests::Until([this] { return Samples() >= 5; }, 20));
  site_.agent()->Kill(SIGTERM);
  ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0);
  const std::uint64_t before = Audited("stored");
  const std::string file = fs::path(site_.store_file()).parent_path() / "history.db";
  {
    // The root of the table of openings, by its place in the schema: the blocks stay whole.
    Result<store::Database> db = store::Database::Open({.path = file});
    ASSERT_TRUE(db);
    const auto page = db->QueryInt("SELECT rootpage FROM sqlite_schema WHERE name = 'incarnation'");
    ASSERT_TRUE(page);
    std::fstream damaged(file, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp((*page - 1) * 1'024);
    damaged << std::string(1'024, 'x');
  }
  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(tests::Until([&] { return Audited("produced") > before; }, 20));
  EXPECT_TRUE(fs::exists(file + ".corrupt-1"));
  EXPECT_GE(Audited("stored"), before);
  EXPECT_EQ(Ask({"audit"}).exit, 0) << Ask({"audit"}).out;
}

TEST_F(HistoryTest, ABackupSaysThatTheHistoryIsNotInItAndAFactoryResetTakesItToo) {
  const std::string file = fs::path(site_.store_file()).parent_path() / "history.db";
  ASSERT_TRUE(tests::Until([&] { return fs::exists(file); }, 20));
  const auto run = [this](std::vector<std::string> args) {
    args.insert(args.begin(),
                {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config", site_.config_file()});
    return tests::RunCommand(std::move(args));
  };
  const Ran backup = run({"backup", site_.File("backup.db")});
  EXPECT_EQ(backup.exit, 0) << backup.err;
  EXPECT_THAT(backup.out, HasSubstr("the history is not in it"));
  site_.agent()->Kill(SIGTERM);
  ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0);
  const Ran kept = run({"factory-reset", "--yes"});
  EXPECT_EQ(kept.exit, 0) << kept.err;
  EXPECT_THAT(kept.out, HasSubstr("history.db.before-reset-1"));
  EXPECT_FALSE(fs::exists(file));
  EXPECT_TRUE(fs::exists(file + ".before-reset-1"));
  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(tests::Until([this] { return Samples() >= 1; }, 20));
  EXPECT_THAT(Ask({"gaps"}).out, HasSubstr("nothing is missing")) << "it begins anew";
  site_.agent()->Kill(SIGTERM);
  ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0);
  const Ran purged = run({"factory-reset", "--purge", "--yes"});
  EXPECT_EQ(purged.exit, 0) << purged.err;
  EXPECT_FALSE(fs::exists(file));
}

}  // namespace
}  // namespace edgetwin::cli
