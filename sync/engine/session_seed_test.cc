// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Both halves of the protocol under random faults, seed by seed; see session_world.h.

#include <gtest/gtest.h>

#include <cstdlib>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

class SessionSeedTest : public testing::TestWithParam<std::uint32_t> {};

TEST_P(SessionSeedTest, TwinsConvergeWhateverCrashesAndGetsLost) {
  World world(GetParam());
  world.loss_percent = static_cast<unsigned>(world.Random(20));
  world.repeat_percent = static_cast<unsigned>(world.Random(20));
  world.reorder_percent = static_cast<unsigned>(world.Random(20));
  for (int step = 0; step < 3'000; ++step) {
    switch (world.Random(26)) {
      case 0: world.Pass(milliseconds(world.Random(3'000))); break;
      case 1:
        if (world.Random(30) == 0) world.CrashEdge();
        break;
      case 2:
        if (world.Random(30) == 0) world.CrashCloud();
        break;
      case 3:
        if (world.Random(20) == 0) world.link ? world.CutLink() : world.MendLink();
        break;
      case 4:
        world.Want(static_cast<int>(world.Random(5)) * 4,
                   static_cast<double>(world.Random(100)) / 4.0);
        break;
      case 5: world.FinishEdgeCommit(); break;
      case 6: world.FinishCloudCommit(); break;
      case 7:
      case 8:
      case 9: world.DeliverUp(); break;
      case 10:
      case 11:
      case 12: world.DeliverDown(); break;
      case 13: world.FinishCall(); break;
      case 14: world.Pass(milliseconds(20)); break;
      default:
        world.Sample(static_cast<int>(world.Random(world.properties)),
                     static_cast<double>(world.Random(1'000)) / 100.0);
    }
  }
  world.loss_percent = world.repeat_percent = world.reorder_percent = 0;
  if (!world.link) world.MendLink();
  for (int i = 0; i < 5; ++i) world.Sample(i, 1.25);
  world.Run(seconds(90));
  world.ExpectEqualTwins();
}

// Also with disks that fail, drivers that fail, technicians, definitions that change, and boards
// that are replaced.
TEST_P(SessionSeedTest, TwinsConvergeWhateverFailsAndIsReplaced) {
  World world(GetParam());
  world.secrets = 3;
  for (int i = 0; i < world.secrets; ++i) world.DefineSecret(i);
  world.loss_percent = static_cast<unsigned>(world.Random(20));
  world.repeat_percent = static_cast<unsigned>(world.Random(20));
  world.reorder_percent = static_cast<unsigned>(world.Random(20));
  const auto name = [](std::uint64_t index) { return "plant/p" + std::to_string(index); };
  for (int step = 0; step < 3'000; ++step) {
    const auto writable = world.Random(6) * 4;
    const bool rare = world.Random(30) == 0;
    switch (world.Random(36)) {
      case 0: world.Pass(milliseconds(world.Random(3'000))); break;
      case 1:
        if (rare) world.CrashEdge();
        break;
      case 2:
        if (rare) world.CrashCloud();
        break;
      case 3:
        if (rare) world.link ? world.CutLink() : world.MendLink();
        break;
      case 4: {
        const auto kind = world.Random(8);
        const double value = static_cast<double>(world.Random(100)) / 4.0;
        const WallTime until = world.wall() + milliseconds(world.Random(6'000)) - seconds(1);
        world.Want(static_cast<int>(writable),
                   kind == 0 ? Value() : Value(kind == 1 ? value + 2'000 : value),
                   kind < 4 ? until : WallTime{});
        break;
      }
      case 5:
      case 6: world.FinishEdgeCommit(); break;
      case 7:
      case 8: world.FinishCloudCommit(); break;
      case 9: world.FailEdgeCommit(); break;
      case 10: world.FailCloudCommit(); break;
      case 11:
      case 12:
      case 13: world.DeliverUp(); break;
      case 14:
      case 15:
      case 16: world.DeliverDown(); break;
      case 17: world.FinishCall(); break;
      case 18: world.FailCall(); break;
      case 19: world.Pass(milliseconds(20)); break;
      case 20:
        if (rare) {
          world.Override(name(writable), static_cast<double>(world.Random(50)),
                         milliseconds(world.Random(20'000)));
        }
        break;
      case 21:
        if (rare) world.Release(name(writable));
        break;
      case 22: world.Sample("secret/p" + std::to_string(world.Random(3)), step); break;
      case 23:
        if (rare) world.Override("secret/p0", step % 50, seconds(2));
        break;
      case 24:
        if (rare) {
          const int index = static_cast<int>(world.Random(world.properties));
          ++world.units[index];
          world.Define(index);
        }
        break;
      case 25:
        if (rare) {
          const int index = static_cast<int>(world.Random(world.properties));
          if (world.local_only.erase(index) == 0) world.local_only.insert(index);
          world.Define(index);
        }
        break;
      case 26:
        if (rare && world.properties < 24) world.Define(world.properties++);
        break;
      case 27:
        if (rare && world.Random(4) == 0) world.ReplaceDevice();
        break;
      default:
        world.Sample(static_cast<int>(world.Random(world.properties)),
                     static_cast<double>(world.Random(1'000)) / 100.0);
    }
  }
  world.loss_percent = world.repeat_percent = world.reorder_percent = 0;
  if (!world.link) world.MendLink();
  while (world.properties < 24) world.Define(world.properties++);
  for (const int index : std::exchange(world.local_only, {})) world.Define(index);
  for (int i = 0; i < 5; ++i) world.Sample(i, 1.25);
  world.Run(seconds(180));
  world.ExpectEqualTwins();
  EXPECT_EQ(world.edge().status().control_unfinished, 0u);
}

// EDGETWIN_SEEDS=5000 for a long run.
std::uint32_t SeedCount() {
  const char* text = std::getenv("EDGETWIN_SEEDS");
  return text == nullptr ? 300 : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

INSTANTIATE_TEST_SUITE_P(Seeds, SessionSeedTest, testing::Range(1u, 1 + SeedCount()));

}  // namespace
}  // namespace edgetwin::sync
