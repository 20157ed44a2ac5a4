// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Whatever happens to the history's file, over real parts: the daemon goes on polling and syncing,
// says what is wrong, recovers by itself, and accounts for what is gone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"
#include "twin/store/child_process.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;

// 500 rows a second: of a number, what memory may hold is full in a few seconds, and a block in
// one. The text fills the file by about 100 KB a second.
std::string WriteRecording(const TempDir& folder) {
  std::mt19937 random(5);
  std::ostringstream csv;
  csv << "time,n,text\n";
  for (int row = 0; row < 1'000; ++row) {
    csv << row * 0.002 << "," << (row * 7'919) % 5'000 << ",";
    for (int i = 0; i < 500; ++i) csv << static_cast<char>('a' + random() % 10);
    csv << "\n";
  }
  return folder.Write("recording.csv", csv.str());
}

class HistoryFaultsTest : public testing::Test {
 protected:
  // `history`: the folder of history.db; that of the store when empty.
  void Start(const std::string& store, const std::string& history = {}) {
    SiteOptions options;
    options.bin = EDGETWIN_BIN_DIR;
    options.plant = false;
    options.store_directory = store;
    options.drivers = "[history]\nbytes_max = \"2MiB\"\n" +
                      (history.empty() ? "" : "directory = \"" + history + "\"\n") +
                      "\n[drivers.replay]\nfile = \"" + WriteRecording(folder_) +
                      "\"\ntime_column = \"time\"\ntime_format = \"unix_s\"\nloop = true\n"
                      "column = [\n"
                      "  { column = \"n\", property = \"n\", type = \"int\" },\n"
                      "  { column = \"text\", property = \"text\", type = \"string\","
                      " local_only = true },\n]\n";
    site_ = std::make_unique<Site>(std::move(options), false);
    ASSERT_TRUE(site_->StartCloud() && site_->StartAgent()) << site_->trouble();
    ASSERT_TRUE(site_->WaitForTwin(30)) << site_->trouble();
    file_ = (history.empty() ? store : history) + "/history.db";
  }

  Ran Cli(std::vector<std::string> args) {
    args.insert(args.begin(),
                {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config", site_->config_file()});
    return RunCommand(std::move(args));
  }
  json Status() { return json::parse(Cli({"status", "--json"}).out, nullptr, false); }
  bool HasProblem(const std::string& code) {
    const json status = Status();
    if (!status.is_object()) return false;
    for (const json& problem : status["problems"]) {
      if (problem["code"] == code) return true;
    }
    return false;
  }
  std::uint64_t Figure(const char* key) {
    const json status = Status();
    return status.is_object() && status["history"].is_object()
               ? status["history"][key].get<std::uint64_t>()
               : 0;
  }
  std::string Metrics() { return site_->twins().AskDevice("/metrics").body; }
  std::string Events() { return Cli({"events", "--json"}).out; }

  // The cloud's value of replay/n changes twice from now on.
  bool StillSyncs() {
    std::string last;
    int changes = 0;
    return Until(
        [&] {
          for (const json& row : site_->twins().CloudSnapshot().value("rows", json::array())) {
            if (row["path"] != "replay/n" || row["side"] != "reported") continue;
            if (row["dot"].dump() != last) ++changes;
            last = row["dot"].dump();
          }
          return changes > 2;
        },
        20);
  }
  void ExpectAddsUp() {
    const Ran ran = Cli({"history", "audit"});
    EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  }
  // A clean stop; then what the file says.
  void ExpectAddsUpOnceStopped() {
    ExpectAddsUp();
    site_->agent()->Kill(SIGTERM);
    ASSERT_EQ(site_->agent()->Wait(std::chrono::seconds(30)), 0) << site_->Log("edgetwind");
    ExpectAddsUp();
  }

  TempDir folder_;
  std::unique_ptr<Site> site_;
  std::string file_;
};

TEST_F(HistoryFaultsTest, AFileSystemFilledToTheLastByteAndFreedEndsWithAnAuditThatAddsUp) {
  const std::string store = folder_.File("store");
  fs::create_directory(store);
  if (!store::CanMountPrivately(store)) GTEST_SKIP() << "no private mounts here";
  const char* size = std::getenv("EDGETWIN_DISK");
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(store, std::string("size=") + (size ? size : "8m")));
    ASSERT_NO_FATAL_FAILURE(Start(store));
    ASSERT_TRUE(Until([&] { return Figure("blocks") > 0; }, 30)) << site_->Log("edgetwind");
    const std::string filler = store + "/filler";
    {
      std::ofstream file(filler, std::ios::binary);
      const std::string block(4'096, 'f');
      while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
      }
    }
    ASSERT_TRUE(Until([&] { return HasProblem("history_failing"); }, 60)) << Cli({"status"}).out;
    EXPECT_THAT(Metrics(), HasSubstr("edgetwin_history_failing 1"));
    EXPECT_TRUE(StillSyncs());
    ASSERT_TRUE(Until([&] { return Figure("dropped") > 0; }, 60)) << "memory is bounded";
    ExpectAddsUp();

    fs::remove(filler);
    ASSERT_TRUE(Until([&] { return !HasProblem("history_failing"); }, 60)) << Cli({"status"}).out;
    EXPECT_THAT(Metrics(), HasSubstr("edgetwin_history_failing 0"));
    EXPECT_THAT(Cli({"history", "gaps"}).out, HasSubstr("not_stored"));
    EXPECT_THAT(Events(), HasSubstr("history_failing"));
    EXPECT_THAT(Events(), HasSubstr("history_stored"));
    ExpectAddsUpOnceStopped();
    site_.reset();
  });
}

TEST_F(HistoryFaultsTest, AMediumThatIsReadOnlyIsTriedUntilItCanBeWritten) {
  const std::string store = folder_.File("store");
  const std::string history = folder_.File("history");
  fs::create_directory(store);
  fs::create_directory(history);
  if (!store::CanMountPrivately(history)) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(history, "size=8m"));
    ASSERT_EQ(mount("none", history.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    ASSERT_NO_FATAL_FAILURE(Start(store, history));
    ASSERT_TRUE(Until([&] { return HasProblem("history_failing"); }, 30)) << Cli({"status"}).out;
    EXPECT_TRUE(StillSyncs());
    ASSERT_EQ(mount("none", history.c_str(), nullptr, MS_REMOUNT, nullptr), 0);
    ASSERT_TRUE(Until([&] { return !HasProblem("history_failing") && Figure("blocks") > 0; }, 60))
        << Cli({"status"}).out;
    ExpectAddsUpOnceStopped();
    site_.reset();
  });
}

TEST_F(HistoryFaultsTest, AFileThatIsDeletedUnderItsFeetIsBegunAnewAndWhatItHeldIsAccountedFor) {
  const std::string store = folder_.File("store");
  fs::create_directory(store);
  ASSERT_NO_FATAL_FAILURE(Start(store));
  ASSERT_TRUE(Until([&] { return Figure("blocks") > 2; }, 30)) << site_->Log("edgetwind");
  for (const char* suffix : {"", "-wal"}) fs::remove(file_ + suffix);
  ASSERT_TRUE(Until([&] { return fs::exists(file_); }, 30)) << site_->Log("edgetwind");
  ASSERT_TRUE(Until(
      [&] {
        return Cli({"history", "gaps"}).out.find("file_lost") != std::string::npos;
      },
      30))
      << Cli({"history", "gaps"}).out;
  EXPECT_THAT(Events(), HasSubstr("history_file_lost"));
  EXPECT_FALSE(HasProblem("history_failing"));
  EXPECT_TRUE(StillSyncs());
  ExpectAddsUpOnceStopped();
}

TEST_F(HistoryFaultsTest, APageThatIsDamagedWhileItRunsIsFoundAndTheRestIsSalvaged) {
  const std::string store = folder_.File("store");
  fs::create_directory(store);
  ASSERT_NO_FATAL_FAILURE(Start(store));
  // Copied out of the WAL, and more than SQLite keeps in memory.
  ASSERT_TRUE(Until([&] { return fs::file_size(file_) > 1'000'000; }, 60)) << fs::file_size(file_);
  {
    std::fstream damaged(file_, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(200 * 1'024);
    damaged << std::string(3 * 1'024, 'x');
  }
  // Whoever reads it finds it.
  ASSERT_TRUE(Until(
      [&] {
        (void)Cli({"history", "audit"});
        return fs::exists(file_ + ".corrupt-1");
      },
      60))
      << site_->Log("edgetwind");
  ASSERT_TRUE(Until([&] { return HasProblem("history_quarantined"); }, 60)) << Cli({"status"}).out;
  EXPECT_FALSE(HasProblem("history_failing"));
  EXPECT_THAT(Metrics(), HasSubstr("edgetwin_history_quarantined 1"));
  EXPECT_THAT(Events(), HasSubstr("history_quarantined"));
  EXPECT_THAT(Cli({"history", "gaps"}).out, HasSubstr("damaged"));
  EXPECT_TRUE(StillSyncs());
  EXPECT_GE(fs::file_size(file_ + ".corrupt-1"), 1'000'000u) << "never deleted";
  ExpectAddsUpOnceStopped();
}

TEST_F(HistoryFaultsTest, ADamagedHeaderIsPutAsideAtTheStartAndRecordingGoesOn) {
  const std::string store = folder_.File("store");
  fs::create_directory(store);
  ASSERT_NO_FATAL_FAILURE(Start(store));
  // Before that all of it is in the WAL, the header too.
  ASSERT_TRUE(Until([&] { return fs::file_size(file_) > 100'000; }, 60)) << fs::file_size(file_);
  site_->agent()->Kill(SIGTERM);
  ASSERT_EQ(site_->agent()->Wait(std::chrono::seconds(30)), 0) << site_->Log("edgetwind");
  {
    std::fstream damaged(file_, std::ios::in | std::ios::out | std::ios::binary);
    damaged << std::string(100, 'x');
  }
  ASSERT_TRUE(site_->StartAgent()) << site_->trouble();
  ASSERT_TRUE(Until([&] { return HasProblem("history_quarantined") && Figure("blocks") > 0; }, 60))
      << Cli({"status"}).out;
  EXPECT_TRUE(fs::exists(file_ + ".corrupt-1"));
  EXPECT_TRUE(StillSyncs());
  ExpectAddsUpOnceStopped();
}

}  // namespace
}  // namespace edgetwin::tests
