// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>

#include "agent/doctor/advice.h"
#include "agent/doctor/broker.h"
#include "agent/doctor/bundle.h"
#include "agent/doctor/machine.h"
#include "agent/doctor/program.h"
#include "agent/doctor/service.h"
#include "agent/doctor/storage.h"
#include "tests/support/certificates.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::doctor {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

auto Found(Verdict verdict, const std::string& text) {
  return AllOf(Field(&Finding::verdict, verdict), Field(&Finding::text, HasSubstr(text)));
}

class MachineTest : public testing::Test {
 protected:
  std::string root() const { return folder_.path().string(); }
  void Put(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((folder_.path() / file).parent_path());
    folder_.Write(file, text);
  }
  void PutCard(const std::string& life, const std::string& end) {
    Put("sys/block/mmcblk0/device/life_time", life + "\n");
    Put("sys/block/mmcblk0/device/pre_eol_info", end + "\n");
  }

  tests::TempDir folder_;
};

TEST_F(MachineTest, SaysHowWornAFlashCardIs) {
  EXPECT_THAT(ExamineFlash(root()), IsEmpty()) << "there is none";
  struct Case {
    const char* life;
    const char* end;
    Verdict verdict;
    const char* text;
  };
  for (const Case& card : std::vector<Case>{
           {"0x01 0x02", "0x01", Verdict::kOk, "has used 10 to 20 % of its life"},
           {"0x00 0x00", "0x00", Verdict::kOk, "does not say"},
           {"0x09 0x01", "0x01", Verdict::kWarning, "80 to 90 %"},
           {"0x01 0x0b", "0x01", Verdict::kFailed, "beyond the life"},
           {"0x03 0x01", "0x02", Verdict::kWarning, "four fifths of its spare blocks"},
           {"0x03 0x01", "0x03", Verdict::kFailed, "spare blocks are nearly gone"},
           {"garbage", "", Verdict::kOk, "does not say"},
       }) {
    PutCard(card.life, card.end);
    EXPECT_THAT(ExamineFlash(root()), ElementsAre(Found(card.verdict, card.text))) << card.life;
  }
}

TEST_F(MachineTest, SaysWhenMemoryIsShort) {
  EXPECT_THAT(ExamineMemory(root()), ElementsAre(Found(Verdict::kSkipped, "doesn't say")));
  Put("proc/meminfo", "MemTotal:         512000 kB\nMemAvailable:     256000 kB\n");
  EXPECT_THAT(ExamineMemory(root()), ElementsAre(Found(Verdict::kOk, "250 MiB of 500 MiB")));
  Put("proc/meminfo", "MemTotal:         512000 kB\nMemAvailable:      20000 kB\n");
  EXPECT_THAT(ExamineMemory(root()), ElementsAre(Found(Verdict::kWarning, "Only 19.5 MiB")));
}

TEST_F(MachineTest, SaysWhenTheSupplyIsTooWeak) {
  Put("sys/class/hwmon/hwmon0/name", "rpi_volt\n");
  Put("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "0\n");
  EXPECT_THAT(ExaminePower(root()), IsEmpty());
  Put("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n");
  EXPECT_THAT(ExaminePower(root()),
              ElementsAre(Found(Verdict::kFailed, "in0_lcrit_alarm of rpi_volt")));
}

TEST_F(MachineTest, AClockThatNobodyKeepsIsAWarningWithoutABoardsOwn) {
  const Findings bare = ExamineClock(root());
  Put("sys/class/rtc/rtc0/name", "rtc-ds1307\n");
  const Findings own = ExamineClock(root());
  ASSERT_EQ(bare.size(), 1u);
  if (bare[0].verdict == Verdict::kOk) GTEST_SKIP() << "a time service keeps this machine's clock";
  EXPECT_THAT(bare, ElementsAre(Found(Verdict::kWarning, "no clock of its own")));
  EXPECT_THAT(own, ElementsAre(Found(Verdict::kNotice, "board's own clock")));
}

TEST(ServiceTest, ReadsWhatSystemdSays) {
  EXPECT_THAT(ReadService("LoadState=not-found\nActiveState=inactive\n"), IsEmpty());
  EXPECT_THAT(ReadService(""), IsEmpty());
  const auto state = [](const std::string& more) {
    return ReadService("LoadState=loaded\n" + more);
  };
  EXPECT_THAT(state("ActiveState=active\nNRestarts=0\n"),
              ElementsAre(Found(Verdict::kOk, "systemd runs it")));
  EXPECT_THAT(state("ActiveState=active\nNRestarts=7\n"),
              ElementsAre(Found(Verdict::kWarning, "7 times")));
  EXPECT_THAT(state("ActiveState=failed\nResult=exit-code\nExecMainStatus=78\n"),
              ElementsAre(Found(Verdict::kFailed, "the configuration is wrong")));
  EXPECT_THAT(state("ActiveState=failed\nResult=watchdog\nExecMainStatus=6"),
              ElementsAre(Found(Verdict::kFailed, "systemd's result watchdog")));
  EXPECT_THAT(state("ActiveState=activating\nResult=exit-code\nExecMainStatus=74\n"),
              ElementsAre(Found(Verdict::kFailed, "its store can't be used")));
  EXPECT_THAT(state("ActiveState=inactive\nResult=success\n"),
              ElementsAre(Found(Verdict::kFailed, "does not run it (inactive)")));
}

TEST(StorageTest, SaysWhatIsWrongWithAFolder) {
  const tests::TempDir folder;
  const std::string missing = folder.File("missing");
  const Findings none = ExamineFolder("store", missing, 0);
  EXPECT_THAT(none, ElementsAre(Found(Verdict::kFailed, "No such file or directory")));
  EXPECT_THAT(none[0].advice, HasSubstr("install -d -o edgetwin -g edgetwin -m 0750 " + missing));
  const std::string file = folder.Write("file", "");
  EXPECT_THAT(ExamineFolder("store", file, 0), ElementsAre(Found(Verdict::kFailed, "no folder")));
  const std::string here = folder.path().string();
  EXPECT_THAT(ExamineFolder("store", here, 0), Contains(Found(Verdict::kOk, "are free at")));
  EXPECT_THAT(ExamineFolder("history", here, std::uint64_t{1} << 62),
              Contains(Found(Verdict::kWarning, "The history may take another")));
  EXPECT_THAT(ExamineFolder("store", "/dev/shm", 0),
              Contains(Found(Verdict::kWarning, "is in memory")));
}

TEST(StorageTest, SaysWhatIsWrongWithAStore) {
  const tests::TempDir folder;
  const std::string here = folder.path().string();
  StorePlaces places{here, here, 1 << 20, "a-device"};
  EXPECT_THAT(ExamineStorage(places, false), Contains(Found(Verdict::kNotice, "twin.db yet")));
  folder.Write("twin.db", std::string(8192, 'x'));
  const Findings broken = ExamineStorage(places, false);
  EXPECT_THAT(broken, Contains(AllOf(Field(&Finding::check, "store"),
                                     Field(&Finding::verdict, Verdict::kFailed),
                                     Field(&Finding::advice, HasSubstr("puts it aside")))));
  EXPECT_THAT(ExamineStorage(places, true),
              testing::Not(Contains(Field(&Finding::verdict, Verdict::kFailed))))
      << "the agent has it open, and has looked";
  folder.Write("twin.db.corrupt-1", "1234");
  folder.Write("history.db.corrupt-1", "1234");
  folder.Write("history.db.corrupt-1-wal", "1234");
  const Findings aside = ExamineStorage(places, true);
  EXPECT_THAT(aside, Contains(Found(Verdict::kWarning, "1 file of damaged stores (4 B)")));
  EXPECT_THAT(aside, Contains(Found(Verdict::kWarning, "2 files of damaged stores")));
}

TEST(CertificateTest, SaysWhenOneEnds) {
  using namespace std::chrono_literals;
  tests::CertificateAuthority authority;
  const std::string file = authority.Issue().certificate_file;
  const WallTime end = std::chrono::sys_days(2100y / 1 / 1);
  const auto at = [&](WallTime now) { return ExamineCertificate("It,", file, now); };
  EXPECT_THAT(at(end - 31 * 24h), ElementsAre(Found(Verdict::kOk, "is good until")));
  EXPECT_THAT(at(end - 10 * 24h), ElementsAre(Found(Verdict::kWarning, "ends in 10 d, on")));
  EXPECT_THAT(at(end), ElementsAre(Found(Verdict::kFailed, "ended on")));
  EXPECT_THAT(ExamineCertificate("It,", file + ".not", end),
              ElementsAre(Found(Verdict::kSkipped, "No such file")));
  const tests::TempDir folder;
  EXPECT_THAT(ExamineCertificate("It,", folder.Write("x", "x"), end),
              ElementsAre(Found(Verdict::kFailed, "holds no certificate")));
}

api::Json Status(const std::string& problems) {
  return api::Json::parse(
      R"({"version":"1.2","uptime_ms":5000,"problems":)" + problems +
      R"(,"sync":{"state":"live"},"link":{"broker":"mqtt://b"},"backlog_rows":3,)"
      R"("drivers":{"running":2},"properties":{"total":9,"good":8}})");
}

TEST(StatusTest, EachProblemOfTheAgentIsAFindingWithAdvice) {
  const Findings well = ExamineStatus(Status("[]"), "1.2");
  EXPECT_THAT(well, ElementsAre(Found(Verdict::kOk, "edgetwind 1.2 has been up for 5 s"),
                                Found(Verdict::kOk, "mqtt://b; 3 rows on the way"),
                                Found(Verdict::kOk, "2 driver instances run, 8 of 9 properties")));
  const Findings ill =
      ExamineStatus(Status(R"([{"severity":"error","code":"link_down","text":"No link"},)"
                           R"({"severity":"notice","code":"override","text":"held"},)"
                           R"({"severity":"warning","code":"of_tomorrow","text":"new"}])"),
                    "1.3");
  EXPECT_THAT(ill, Contains(Found(Verdict::kWarning, "It is version 1.2, and this program 1.3")));
  EXPECT_THAT(
      ill, Contains(AllOf(Found(Verdict::kFailed, "No link"), Field(&Finding::check, "link_down"),
                          Field(&Finding::advice, HasSubstr("The reason says")))));
  EXPECT_THAT(ill, Contains(Found(Verdict::kNotice, "held")));
  EXPECT_THAT(ill, Contains(AllOf(Found(Verdict::kWarning, "new"), Field(&Finding::advice, ""))));
  EXPECT_THAT(ExamineStatus(api::Json::object(), "1.2"),
              Contains(Found(Verdict::kWarning, "No driver runs")))
      << "of a daemon that says nothing";
}

std::set<std::string> CodesIn(const std::string& text, const std::regex& pattern) {
  std::set<std::string> codes;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    codes.insert((*it)[1]);
  }
  return codes;
}

// The agent's code, the runbook and the advice name the same problems.
TEST(StatusTest, EveryProblemHasAdviceAndAPlaceInTheRunbook) {
  const std::string source = std::string(EDGETWIN_SOURCE_DIR) + "/";
  const std::set<std::string> raised = CodesIn(tests::ReadFile(source + "agent/api/problems.cc"),
                                               std::regex(R"rx(Severity::k\w+,\s*"([a-z_]+)",)rx"));
  EXPECT_GT(raised.size(), 15u) << "or the pattern finds nothing";
  const std::string page = tests::ReadFile(source + "docs/OPERATING.md");
  for (const std::string& code : raised) {
    EXPECT_NE(AdviceFor(code), "") << code;
    EXPECT_NE(page.find("`" + code + "`"), std::string::npos) << code;
  }
  EXPECT_NE(AdviceFor("daemon_down"), "");
}

TEST(ProgramTest, TakesWhatAProgramSaysAndEndsWhatHangs) {
  const auto said =
      RunProgram({"sh", "-c", "echo out; echo err >&2; exit 3"}, milliseconds(60'000), 1'000);
  ASSERT_TRUE(said) << said.error().text;
  EXPECT_EQ(said->exit, 3);
  EXPECT_EQ(said->out, "out\nerr\n");
  EXPECT_FALSE(said->cut);
  const auto much = RunProgram({"sh", "-c", "head -c 100000 /dev/zero"}, milliseconds(60'000), 10);
  ASSERT_TRUE(much);
  EXPECT_EQ(much->out.size(), 10u);
  EXPECT_TRUE(much->cut);
  const auto none = RunProgram({"edgetwin-no-such-program"}, milliseconds(60'000), 10);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  const auto killed = RunProgram({"sh", "-c", "kill -9 $$"}, milliseconds(60'000), 10);
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->exit, 128 + 9);
  // With a child that holds the pipe.
  const auto hung = RunProgram({"sh", "-c", "sleep 1000 & sleep 1000"}, milliseconds(100), 10);
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, ErrorCode::kTimeout);
}

TEST(BundleTest, PacksWhatThereIsAndNamesWhatIsNot) {
  const auto packed = Pack("x", {{"a/b.txt", "text", ""}, {"c.txt", "", "no such thing"}});
  ASSERT_TRUE(packed) << packed.error().text;
  const tests::TempDir folder;
  const std::string file = folder.Write("x.tar.gz", *packed);
  const auto list = RunProgram({"tar", "-tzf", file}, milliseconds(60'000), 10'000);
  ASSERT_TRUE(list);
  EXPECT_THAT(list->out, HasSubstr("x/a/b.txt\n"));
  EXPECT_THAT(list->out, testing::Not(HasSubstr("c.txt")));
  const auto page =
      RunProgram({"tar", "-xzOf", file, "x/README.txt"}, milliseconds(60'000), 10'000);
  ASSERT_TRUE(page);
  EXPECT_THAT(page->out, HasSubstr("a/b.txt: 4 bytes\nc.txt: not there: no such thing\n"));
}

}  // namespace
}  // namespace edgetwin::doctor
