// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a technician does with sync, events, alarms, backups and resets: the real programs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>

#include "agent/cli/failure.h"
#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/sql.h"
#include "tests/support/wait.h"
#include "twin/store/twin_store.h"

namespace edgetwin::cli {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using tests::Ran;
using tests::Site;

constexpr const char* kBin = EDGETWIN_BIN_DIR;
constexpr const char* kSetpoint = "valve/position_setpoint";

Json JsonOf(const Ran& ran) {
  return Json::parse(ran.out, nullptr, false);
}

tests::SiteOptions WithAlarm() {
  tests::SiteOptions options;
  options.bin = kBin;
  // A tank is never below empty, so it is raised at once and for good.
  options.drivers =
      "[properties.\"tank/level\"]\nalarm_high = -1.0\n"
      "[properties.\"tank/temperature\"]\nlocal_only = true\n";
  return options;
}

class TechnicianTest : public testing::Test {
 protected:
  TechnicianTest() : site_(WithAlarm()) {}
  void SetUp() override { ASSERT_EQ(site_.trouble(), ""); }

  Ran Ask(std::vector<std::string> args) {
    args.insert(args.begin(), {std::string(kBin) + "/edgetwin", "--config", site_.config_file()});
    return tests::RunCommand(std::move(args));
  }
  static bool Until(const std::function<bool()>& done) { return tests::Until(done, 20); }
  void StopAgent() {
    site_.agent()->Kill(SIGTERM);
    ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0);
  }
  std::string Folder() const { return std::filesystem::path(site_.store_file()).parent_path(); }

  Site site_;
};

TEST_F(TechnicianTest, SeesWhetherTheSyncWorksAndWhatToDo) {
  const Ran live = Ask({"sync", "status"});
  EXPECT_EQ(live.exit, 0) << live.err;
  EXPECT_THAT(live.out, HasSubstr("demo-gateway-1  live since"));
  EXPECT_THAT(live.out, ContainsRegex("state +[0-9,]+ +[0-9,]+"));
  const Json json = JsonOf(Ask({"sync", "status", "--json"}));
  EXPECT_EQ(json["state"], "live");
  EXPECT_EQ(json["reason"], nullptr);
  EXPECT_EQ(json["epoch"]["counter"], 1);
  EXPECT_EQ(json["streams"].size(), 3u);
  EXPECT_EQ(json["clock"]["source"], "system");
  for (const char* key : {"digests", "digests_unequal", "heals", "returned_rows", "quarantined",
                          "orphans", "foreign_welcomes", "round_trip_ms"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }

  site_.broker().Kill();
  ASSERT_TRUE(Until([&] { return Ask({"sync", "status"}).exit == 1; }));
  const Ran offline = Ask({"sync", "status"});
  EXPECT_THAT(offline.out, HasSubstr("offline since"));
  EXPECT_THAT(offline.out, HasSubstr("there is no connection to a broker"));
  EXPECT_THAT(offline.out, HasSubstr("nothing is lost meanwhile"));

  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const Ran down = Ask({"sync", "status"});
  EXPECT_EQ(down.exit, 1);
  EXPECT_THAT(down.out, HasSubstr("the daemon is not running"));
  EXPECT_EQ(JsonOf(Ask({"sync", "status", "--json"}))["epoch"], json["epoch"]);
}

TEST_F(TechnicianTest, ReadsTheEventsAlsoWhileTheDaemonIsDown) {
  ASSERT_TRUE(Until([&] { return Ask({"events"}).out.find("alarm_raised") != std::string::npos; }));
  const Ran followed = Ask({"events", "--follow", "--count", "1", "--json"});
  EXPECT_EQ(followed.exit, 0) << followed.err;
  EXPECT_EQ(Json::parse(followed.out.substr(0, followed.out.find('\n')))["revision"].is_number(),
            true);
  ASSERT_TRUE(Until([&] {
    const Json events = JsonOf(Ask({"events", "--json"}))["events"];
    return !events.empty() && events.back()["told"] == "acknowledged";
  }));
  EXPECT_EQ(JsonOf(Ask({"events", "--limit", "1", "--json"}))["events"].size(), 1u);
  EXPECT_EQ(Ask({"events", "--limit", "0"}).exit, 2);
  EXPECT_EQ(Ask({"events", "--count", "1"}).exit, 2) << "only with --follow";
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const Ran stored = Ask({"events"});
  EXPECT_EQ(stored.exit, 0) << stored.err;
  EXPECT_THAT(stored.out, ContainsRegex("alarm +alarm_raised +tank/level +yes"));
  EXPECT_EQ(Ask({"events", "--follow"}).exit, 69);
}

TEST_F(TechnicianTest, SeesAnAlarmEverywhereAndAcknowledgesIt) {
  ASSERT_TRUE(Until([&] { return Ask({"alarms"}).exit == 1; }));
  EXPECT_THAT(Ask({"alarms"}).out, ContainsRegex("tank/level +raised +high +-1.000 m"));
  const Ran status = Ask({"status"});
  EXPECT_EQ(status.exit, 1);
  EXPECT_THAT(status.out, HasSubstr("tank/level is above its limit of -1.000 m"));
  EXPECT_THAT(Ask({"why", "tank/level"}).out, HasSubstr("edgetwin alarms ack tank/level"));

  const Ran seen = Ask({"alarms", "ack", "tank/level"});
  EXPECT_EQ(seen.exit, 0) << seen.err;
  EXPECT_THAT(seen.out, HasSubstr("tank/level: acknowledged by "));
  EXPECT_EQ(Ask({"alarms", "ack", "tank/level"}).exit, 3) << "nothing is left to acknowledge";
  EXPECT_EQ(Ask({"alarms", "ack", "tank/levle"}).exit, 3);
  const Ran after = Ask({"alarms", "--json"});
  EXPECT_EQ(after.exit, 0) << "raised still, but seen";
  EXPECT_EQ(JsonOf(after)["alarms"][0]["state"], "acknowledged");
  const Json why = JsonOf(Ask({"why", "tank/level", "--json"}));
  EXPECT_EQ(why["alarm"]["high"], -1.0);
  EXPECT_EQ(why["alarm"]["alarms"][0]["state"], "acknowledged");

  ASSERT_NO_FATAL_FAILURE(StopAgent());
  EXPECT_THAT(Ask({"alarms"}).out, ContainsRegex("tank/level +acknowledged"));
  EXPECT_EQ(Ask({"alarms", "ack", "tank/level"}).exit, 69);
}

TEST_F(TechnicianTest, BacksUpARunningDeviceAndAStoppedOne) {
  // At first, nothing is in the store yet.
  ASSERT_TRUE(Until([&] {
    return JsonOf(Ask({"backup", site_.File("first.db"), "--force", "--json"}))["revision"] > 0;
  }));
  const std::string file = site_.File("backup.db");
  const Ran made = Ask({"backup", file, "--json"});
  ASSERT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ(JsonOf(made)["bytes"], std::filesystem::file_size(file));
  EXPECT_GT(JsonOf(made)["revision"], 0);
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const std::string before = tests::ReadFile(file);
  const Ran again = Ask({"backup", file});
  EXPECT_EQ(again.exit, 4);
  EXPECT_THAT(again.err, HasSubstr("is there already; --force replaces it"));
  EXPECT_EQ(tests::ReadFile(file), before);
  EXPECT_THAT(Ask({"backup", file, "--force"}).out,
              ContainsRegex("KiB, revision [0-9,]+, 10 prop"));
  EXPECT_EQ(Ask({"backup", site_.File("no-such/backup.db")}).exit, 3);
  EXPECT_EQ(Ask({"sync", "status"}).exit, 0) << "the daemon goes on";

  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const Ran down = Ask({"backup", site_.File("down.db")});
  EXPECT_EQ(down.exit, 0) << down.err;
  EXPECT_THAT(down.err, HasSubstr("copying its store"));
  EXPECT_TRUE(store::TwinStore::Inspect(site_.File("down.db")));
}

TEST_F(TechnicianTest, AFullDiskLeavesNoHalfABackup) {
  const std::string script = site_.File("inside");
  std::ofstream(script) << "mkdir -p \"$DISK\" && mount -t tmpfs -o size=16k tmpfs \"$DISK\" || "
                           "exit 77\n\"$BIN/edgetwin\" --config \"$CONFIG\" backup "
                           "\"$DISK/b.db\"\ncode=$?\n[ -z \"$(ls \"$DISK\")\" ] || exit 9\n"
                           "exit $code\n";
  if (tests::RunCommand({"unshare", "-Urm", "true"}).exit != 0) {
    GTEST_SKIP() << "no private mounts here";
  }
  const Ran ran = tests::RunCommand(
      {"unshare", "-Urm", "sh", script},
      {"DISK=" + site_.File("disk"), "BIN=" + std::string(kBin), "CONFIG=" + site_.config_file()});
  if (ran.exit == 77) GTEST_SKIP() << "no private mounts here: " << ran.err;
  EXPECT_EQ(ran.exit, 74) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("No space left"));
}

TEST_F(TechnicianTest, ARestoreThatDoesNotFitChangesNothing) {
  const std::string file = site_.File("backup.db");
  ASSERT_EQ(Ask({"backup", file}).exit, 0);
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  // The disk holds the store and has a page left.
  const std::string script = site_.File("inside");
  std::ofstream(script)
      << "size=$(( ($(du -k --apparent-size \"$STORE/twin.db\" | cut -f1) + 19) / 4 * 4 ))\n"
         "cp -r \"$STORE\" \"$STORE.copy\" && mount -t tmpfs -o size=${size}k tmpfs \"$STORE\" "
         "|| exit 77\ncp \"$STORE.copy/twin.db\" \"$STORE/\" || exit 77\n"
         "cp \"$STORE/twin.db\" \"$STORE.before\"\n"
         "\"$BIN/edgetwin\" --config \"$CONFIG\" restore \"$BACKUP\" --yes\ncode=$?\n"
         "cmp \"$STORE/twin.db\" \"$STORE.before\" || exit 9\nls \"$STORE\"\nexit $code\n";
  const Ran ran = tests::RunCommand({"unshare", "-Urm", "sh", script},
                                    {"STORE=" + Folder(), "BIN=" + std::string(kBin),
                                     "CONFIG=" + site_.config_file(), "BACKUP=" + file});
  if (ran.exit == 77 || ran.err.find("unshare") != std::string::npos) {
    GTEST_SKIP() << "no private mounts here: " << ran.err;
  }
  EXPECT_EQ(ran.exit, 74) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("nothing was changed: "));
  EXPECT_THAT(ran.err, HasSubstr("No space left"));
  EXPECT_THAT(ran.out, Not(HasSubstr(".restoring"))) << "nothing half-made is left";
}

TEST_F(TechnicianTest, ABackupOfANewerReleaseIsRefusedAndAStoreOfOneMakesRoom) {
  const std::string file = site_.File("backup.db");
  const std::string newer = site_.File("newer.db");
  ASSERT_EQ(Ask({"backup", file}).exit, 0);
  ASSERT_EQ(Ask({"backup", newer}).exit, 0);
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const auto age = [](const std::string& of) {
    return tests::RunSql(of, "UPDATE meta SET value = 99 WHERE key IN ('version', 'min_reader')");
  };
  ASSERT_EQ(age(newer), "");
  const Ran refused = Ask({"restore", newer, "--yes"});
  EXPECT_EQ(refused.exit, 74);
  EXPECT_THAT(refused.err, HasSubstr("written by a newer release"));
  // The other way round, after a downgrade: what the store holds can't be told, but it is kept.
  ASSERT_EQ(age(site_.store_file()), "");
  const Ran restored = Ask({"restore", file, "--yes"});
  EXPECT_EQ(restored.exit, 0) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("written by a newer release"));
  EXPECT_TRUE(std::filesystem::exists(site_.store_file() + ".before-restore-1"));
  EXPECT_EQ(Ask({"ls"}).exit, 0);
}

TEST_F(TechnicianTest, RestoresOnlyWhatIsABackupOfThisDeviceWhileTheDaemonIsStopped) {
  const std::string file = site_.File("backup.db");
  ASSERT_EQ(Ask({"backup", file}).exit, 0);
  const Ran running = Ask({"restore", file, "--yes"});
  EXPECT_EQ(running.exit, 74);
  EXPECT_THAT(running.err, HasSubstr(std::to_string(site_.agent()->pid())));
  EXPECT_THAT(running.err, HasSubstr("systemctl stop edgetwind"));
  ASSERT_EQ(Ask({"set", kSetpoint, "20", "--for", "1h"}).exit, 0);

  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const std::string before = tests::ReadFile(site_.store_file());
  std::ofstream(site_.File("text.db")) << std::string(5'000, 'x');
  EXPECT_EQ(Ask({"restore", site_.File("text.db"), "--yes"}).exit, 74);
  EXPECT_EQ(Ask({"restore", site_.File("none.db"), "--yes"}).exit, 3);
  store::TwinStoreOptions foreign;
  foreign.path = site_.File("other.db");
  foreign.inc = 1;
  foreign.device = "another-gateway";
  ASSERT_TRUE(store::TwinStore::Open(foreign));
  const Ran other = Ask({"restore", foreign.path, "--yes"});
  EXPECT_EQ(other.exit, 4);
  EXPECT_THAT(other.err, HasSubstr("backup of another device"));

  const Ran unseen = Ask({"restore", file});
  EXPECT_EQ(unseen.exit, 4);
  EXPECT_THAT(unseen.out, HasSubstr("loses:"));
  EXPECT_THAT(unseen.out, ContainsRegex("\n  [0-9,]+ revisions?\n"));
  EXPECT_THAT(unseen.out, HasSubstr("1 override ends: valve/position_setpoint at 20"));
  EXPECT_THAT(unseen.out, HasSubstr("set back"));
  EXPECT_THAT(unseen.err, HasSubstr("--yes"));
  EXPECT_EQ(JsonOf(Ask({"restore", file, "--json"}))["done"], false);
  EXPECT_EQ(tests::ReadFile(site_.store_file()), before) << "nothing was changed";

  const Ran done = Ask({"restore", file, "--yes", "--json"});
  EXPECT_EQ(done.exit, 0) << done.err;
  const std::string kept = site_.store_file() + ".before-restore-1";
  EXPECT_EQ(JsonOf(done)["kept_as"], kept);
  EXPECT_TRUE(store::TwinStore::Inspect(kept));
}

TEST_F(TechnicianTest, ResetsToAnEmptyStoreHavingSaidWhatIsLost) {
  ASSERT_EQ(Ask({"set", kSetpoint, "20", "--for", "1h"}).exit, 0);
  EXPECT_EQ(Ask({"factory-reset", "--yes"}).exit, 74) << "it is in use";
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const Ran unseen = Ask({"factory-reset"});
  EXPECT_EQ(unseen.exit, 4);
  EXPECT_THAT(unseen.out, HasSubstr("1 override ends: valve/position_setpoint at 20"));
  EXPECT_THAT(unseen.out, HasSubstr("local-only and nowhere else: tank/temperature"));
  EXPECT_TRUE(std::filesystem::exists(site_.store_file()));

  const Ran done = Ask({"factory-reset", "--yes"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("kept as " + site_.store_file() + ".before-reset-1"));
  EXPECT_FALSE(std::filesystem::exists(site_.store_file()));
  EXPECT_EQ(Ask({"factory-reset", "--yes"}).exit, 3) << "there is nothing to reset";

  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(site_.WaitForTwin(20)) << site_.trouble();
  EXPECT_TRUE(site_.twins().CompareUntilEqual(20).equal());
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const Json purged = JsonOf(Ask({"factory-reset", "--purge", "--yes", "--json"}));
  EXPECT_EQ(purged["kept_as"], nullptr);
  EXPECT_EQ(purged["kept"].size(), 1u) << "what was put aside before is named, not removed";
  EXPECT_FALSE(std::filesystem::exists(site_.store_file()));
}

TEST_F(TechnicianTest, ADamagedStoreIsSaidAndMakesRoom) {
  const std::string file = site_.File("backup.db");
  ASSERT_EQ(Ask({"backup", file}).exit, 0);
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  std::ofstream(site_.store_file(), std::ios::trunc) << "this is no database at all\n";
  EXPECT_EQ(Ask({"backup", site_.File("none.db")}).exit, 74);
  EXPECT_FALSE(std::filesystem::exists(site_.File("none.db")));
  const Ran restored = Ask({"restore", file, "--yes"});
  EXPECT_EQ(restored.exit, 0) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("can't be told"));
  EXPECT_EQ(Ask({"ls"}).exit, 0);
}

}  // namespace
}  // namespace edgetwin::cli
