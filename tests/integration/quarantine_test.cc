// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What an agent does that finds, at its start, what the ones before it died of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "sync/crash/crash_marks.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;
using sync::CrashItem;
using sync::CrashMarks;
using testing::HasSubstr;

// A site whose agent's socket is in memory.
class QuarantineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!CrashMarks::InMemory("/dev/shm")) GTEST_SKIP() << "/dev/shm is not in memory";
    const char* before = std::getenv("TMPDIR");
    const std::string folder = before == nullptr ? "/tmp" : before;
    setenv("TMPDIR", "/dev/shm", 1);
    SiteOptions options;
    options.bin = EDGETWIN_BIN_DIR;
    options.plant = false;
    options.drivers = "[drivers.host]\nperiod = \"100ms\"\n";
    site_ = std::make_unique<Site>(std::move(options), false);
    setenv("TMPDIR", folder.c_str(), 1);
  }

  // A process ended while it was busy with `item`.
  void Crash(const CrashItem& item) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto marks = CrashMarks::Open(site_->socket() + ".crash");
      if (!marks) _exit(1);
      (*marks)->Enter(item);
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }

  json Status() const {
    return json::parse(site_->twins().AskDevice("/v1/status").body, nullptr, false);
  }
  bool Says(const std::string& code) const {
    const json status = Status();
    if (!status.is_object()) return false;
    for (const json& problem : status["problems"]) {
      if (problem["code"] == code) return true;
    }
    return false;
  }

  std::unique_ptr<Site> site_;
};

constexpr CrashItem kWelcome{CrashItem::Kind::kFrame, 17, 0};

TEST_F(QuarantineTest, AFrameThatEndedTheAgentTwiceIsNotHeardAndTheAgentGoesOn) {
  Crash(kWelcome);
  Crash(kWelcome);
  ASSERT_TRUE(site_->StartCloud()) << site_->trouble();
  ASSERT_TRUE(site_->StartAgent()) << site_->trouble();
  ASSERT_TRUE(Until([&] { return Says("crash_quarantine"); }, 20)) << site_->Log("edgetwind");
  const json status = Status();
  EXPECT_EQ(status["sync"]["state"], "greeting");
  EXPECT_EQ(status["crashes"]["quarantined"], 1);
  EXPECT_EQ(status["crashes"]["last_run_ended_in"],
            json::array({"handling a frame from the cloud"}));
  EXPECT_GT(status["properties"]["good"], 0) << "polling goes on";
  EXPECT_THAT(site_->Log("edgetwind"), HasSubstr("twice in a row"));
  EXPECT_TRUE(site_->agent()->running());
}

TEST_F(QuarantineTest, OneThatEndedItOnceIsTriedAgainAndForgivenWhenItGoesWell) {
  Crash(kWelcome);
  ASSERT_TRUE(site_->StartCloud()) << site_->trouble();
  ASSERT_TRUE(site_->StartAgent()) << site_->trouble();
  ASSERT_TRUE(site_->WaitForLive(20)) << site_->trouble();
  EXPECT_EQ(Status()["crashes"]["quarantined"], 0);
  site_->KillAgent();
  Crash(kWelcome);  // Not in a row with the first one.
  ASSERT_TRUE(site_->StartAgent()) << site_->trouble();
  EXPECT_TRUE(site_->WaitForLive(20)) << site_->trouble();
}

}  // namespace
}  // namespace edgetwin::tests
