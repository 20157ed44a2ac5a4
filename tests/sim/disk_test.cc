// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/disk.h"

#include <gtest/gtest.h>

#include <set>

namespace edgetwin::sim {
namespace {

using Result = Disk::Result;

Disk::Handle Make(Disk& disk, const std::string& name, bool sync_names = true) {
  Disk::Handle handle = 0;
  EXPECT_EQ(disk.Open(name, true, sync_names, handle), Result::kOk);
  return handle;
}

std::string ReadAll(Disk& disk, const std::string& name) {
  const auto size = disk.SizeOf(name);
  if (!size) return "(none)";
  std::string content(static_cast<std::size_t>(*size), '?');
  Disk::Handle handle = 0;
  EXPECT_EQ(disk.Open(name, false, false, handle), Result::kOk);
  EXPECT_EQ(disk.Read(handle, 0, content.data(), content.size()), Result::kOk);
  disk.Close(handle);
  return content;
}

// One file, "old…" synced, then overwritten with "new…" without a sync.
Disk Overwritten(std::size_t bytes) {
  Disk disk;
  const auto file = Make(disk, "a");
  EXPECT_EQ(disk.Write(file, 0, std::string(bytes, 'o')), Result::kOk);
  EXPECT_EQ(disk.Sync(file), Result::kOk);
  EXPECT_EQ(disk.Write(file, 0, std::string(bytes, 'n')), Result::kOk);
  return disk;
}

TEST(DiskTest, ReadsBackWhatWasWrittenOverBlockBoundaries) {
  Disk disk;
  const auto file = Make(disk, "a");
  std::string expected(20'000, '\0');
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const std::string data(random.Below(6'000), static_cast<char>('a' + i % 26));
    const std::size_t at = random.Below(expected.size() - data.size());
    expected.replace(at, data.size(), data);
    ASSERT_EQ(disk.Write(file, at, data), Result::kOk);
  }
  expected.resize(std::max<std::size_t>(*disk.SizeOf("a"), 1));
  EXPECT_EQ(ReadAll(disk, "a"), expected);
}

TEST(DiskTest, ReadsZerosWhereAFileWasCutAndGrewAgain) {
  Disk disk;
  const auto file = Make(disk, "a");
  ASSERT_EQ(disk.Write(file, 0, std::string(5'000, 'x')), Result::kOk);
  ASSERT_EQ(disk.Truncate(file, 10), Result::kOk);
  ASSERT_EQ(disk.Write(file, 4'999, "y"), Result::kOk);
  EXPECT_EQ(ReadAll(disk, "a"), std::string(10, 'x') + std::string(4'989, '\0') + "y");
}

TEST(DiskTest, AKilledProcessLosesItsHandlesAndNothingElse) {
  Disk disk = Overwritten(100);
  Disk::Handle handle = 0;
  ASSERT_EQ(disk.Open("a", false, false, handle), Result::kOk);
  disk.Kill();
  EXPECT_EQ(disk.Write(handle, 0, "zzz"), Result::kIoError);
  EXPECT_EQ(ReadAll(disk, "a"), std::string(100, 'n'));
}

TEST(DiskTest, SyncedDataSurvivesEveryPowerLoss) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Disk disk;
    Random random(seed);
    const auto file = Make(disk, "a");
    ASSERT_EQ(disk.Write(file, 0, "kept"), Result::kOk);
    ASSERT_EQ(disk.Sync(file), Result::kOk);
    disk.LosePower(PowerLoss::kTear, random);
    EXPECT_EQ(ReadAll(disk, "a"), "kept");
  }
}

TEST(DiskTest, UnsyncedWritesAreKeptOrLostAsAsked) {
  Random random(1);
  Disk lost = Overwritten(100);
  lost.LosePower(PowerLoss::kLoseAll, random);
  EXPECT_EQ(ReadAll(lost, "a"), std::string(100, 'o'));
  Disk kept = Overwritten(100);
  kept.LosePower(PowerLoss::kKeepAll, random);
  EXPECT_EQ(ReadAll(kept, "a"), std::string(100, 'n'));
}

TEST(DiskTest, AWriteTearsAtSectorsOnly) {
  bool torn = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Disk disk = Overwritten(4 * kSectorBytes);
    Random random(seed);
    disk.LosePower(PowerLoss::kTear, random);
    const std::string content = ReadAll(disk, "a");
    std::set<char> seen;
    for (std::size_t sector = 0; sector < 4; ++sector) {
      const std::string part = content.substr(sector * kSectorBytes, kSectorBytes);
      EXPECT_EQ(part.find_first_not_of(part[0]), std::string::npos) << "torn within a sector";
      seen.insert(part[0]);
    }
    torn = torn || seen.size() == 2;
  }
  EXPECT_TRUE(torn);
}

TEST(DiskTest, ALaterWriteMaySurviveAnEarlierOne) {
  bool reordered = false;
  for (std::uint64_t seed = 0; seed < 200 && !reordered; ++seed) {
    Disk disk;
    const auto file = Make(disk, "a");
    ASSERT_EQ(disk.Write(file, 0, std::string(1'024, 'o')), Result::kOk);
    ASSERT_EQ(disk.Sync(file), Result::kOk);
    ASSERT_EQ(disk.Write(file, 0, std::string(512, '1')), Result::kOk);
    ASSERT_EQ(disk.Write(file, 512, std::string(512, '2')), Result::kOk);
    Random random(seed);
    disk.LosePower(PowerLoss::kTear, random);
    const std::string content = ReadAll(disk, "a");
    reordered = content[0] == 'o' && content[512] == '2';
  }
  EXPECT_TRUE(reordered);
}

TEST(DiskTest, ANewNameNeedsASyncOfTheFolder) {
  Random random(1);
  for (const bool sync_names : {false, true}) {
    Disk disk;
    const auto file = Make(disk, "a", sync_names);
    ASSERT_EQ(disk.Write(file, 0, "x"), Result::kOk);
    ASSERT_EQ(disk.Sync(file), Result::kOk);
    disk.LosePower(PowerLoss::kLoseAll, random);
    EXPECT_EQ(ReadAll(disk, "a"), sync_names ? "x" : "(none)");
  }
}

TEST(DiskTest, ADeletedNameComesBackUnlessTheFolderWasSynced) {
  Random random(1);
  for (const bool sync_names : {false, true}) {
    Disk disk = Overwritten(3);
    ASSERT_EQ(disk.Delete("a", sync_names), Result::kOk);
    EXPECT_EQ(ReadAll(disk, "a"), "(none)");
    disk.LosePower(PowerLoss::kLoseAll, random);
    EXPECT_EQ(ReadAll(disk, "a"), sync_names ? "(none)" : "ooo");
  }
}

TEST(DiskTest, ACopyOfItsStateDoesNotChangeWithIt) {
  Disk disk = Overwritten(5'000);
  const DiskState copy = disk.state();
  Disk::Handle handle = 0;
  ASSERT_EQ(disk.Open("a", false, false, handle), Result::kOk);
  ASSERT_EQ(disk.Write(handle, 4'000, "later"), Result::kOk);
  ASSERT_EQ(disk.Truncate(handle, 4'100), Result::kOk);
  ASSERT_EQ(disk.Sync(handle), Result::kOk);
  disk.Replace(copy);
  EXPECT_EQ(disk.Sync(handle), Result::kIoError) << "a handle on the medium that was taken out";
  EXPECT_EQ(ReadAll(disk, "a"), std::string(5'000, 'n'));
  Random random(1);
  disk.LosePower(PowerLoss::kLoseAll, random);
  EXPECT_EQ(ReadAll(disk, "a"), std::string(5'000, 'o'));
}

TEST(DiskTest, IsFullAtItsQuotaAndTakesOverwritesStill) {
  Disk disk;
  disk.SetQuota(1'000);
  const auto file = Make(disk, "a");
  EXPECT_EQ(disk.Write(file, 0, std::string(1'001, 'x')), Result::kFull);
  EXPECT_EQ(disk.Write(file, 0, std::string(1'000, 'x')), Result::kOk);
  EXPECT_EQ(disk.Write(file, 500, std::string(500, 'y')), Result::kOk);
  EXPECT_EQ(disk.Write(Make(disk, "b"), 0, "z"), Result::kFull);
  EXPECT_EQ(disk.counts().full, 2u);
}

TEST(DiskTest, NumbersEveryCallThatChangesSomething) {
  Disk disk;
  std::vector<std::string> calls;
  disk.SetHook([&](DiskCall call, std::string_view name, std::uint64_t number) {
    calls.push_back(std::to_string(number) + " " + std::string(ToString(call)) + " " +
                    std::string(name));
    return DiskAnswer::kOk;
  });
  const auto file = Make(disk, "a");
  ASSERT_EQ(disk.Write(file, 0, "x"), Result::kOk);
  ASSERT_EQ(disk.Truncate(file, 0), Result::kOk);
  ASSERT_EQ(disk.Sync(file), Result::kOk);
  ASSERT_EQ(disk.Delete("a", true), Result::kOk);
  const std::vector<std::string> expected = {"1 create a", "2 write a", "3 truncate a", "4 sync a",
                                             "5 delete a"};
  EXPECT_EQ(calls, expected);
}

TEST(DiskTest, NothingWorksBetweenACrashAndTheNextStart) {
  Disk disk = Overwritten(3);
  disk.SetHook([](DiskCall call, std::string_view, std::uint64_t) {
    return call == DiskCall::kSync ? DiskAnswer::kCrash : DiskAnswer::kOk;
  });
  Disk::Handle handle = 0;
  ASSERT_EQ(disk.Open("a", false, false, handle), Result::kOk);
  EXPECT_EQ(disk.Sync(handle), Result::kIoError);
  EXPECT_TRUE(disk.crashed());
  EXPECT_EQ(disk.Write(handle, 0, "zzz"), Result::kIoError);
  EXPECT_EQ(disk.Delete("a", true), Result::kIoError);
  Random random(1);
  disk.LosePower(PowerLoss::kLoseAll, random);
  EXPECT_EQ(ReadAll(disk, "a"), "ooo");
}

TEST(DiskTest, ExcludesASecondWriter) {
  Disk disk = Overwritten(3);
  Disk::Handle first = 0;
  Disk::Handle second = 0;
  ASSERT_EQ(disk.Open("a", false, false, first), Result::kOk);
  ASSERT_EQ(disk.Open("a", false, false, second), Result::kOk);
  EXPECT_EQ(disk.Lock(first, 1), Result::kOk);
  EXPECT_EQ(disk.Lock(second, 1), Result::kOk);
  EXPECT_EQ(disk.Lock(first, 2), Result::kOk);
  EXPECT_EQ(disk.Lock(second, 2), Result::kBusy);
  EXPECT_EQ(disk.Lock(first, Disk::kExclusive), Result::kBusy);
  disk.Unlock(second, 0);
  EXPECT_EQ(disk.Lock(first, Disk::kExclusive), Result::kOk);
  EXPECT_EQ(disk.Lock(second, 1), Result::kBusy);
}

}  // namespace
}  // namespace edgetwin::sim
