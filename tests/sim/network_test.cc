// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgetwin::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class NetworkTest : public testing::Test {
 protected:
  struct Side {
    Network::Port port = 0;
    int ups = 0, downs = 0;
    std::vector<std::string> frames;
  };

  void Connect(Side& side, const std::string& device, const std::string& will = {}) {
    side.port = network_.Add(device, {[&side] { ++side.ups; }, [&side] { ++side.downs; },
                                      [&side](std::string_view from, const std::string& bytes) {
                                        side.frames.push_back(std::string(from) + ":" + bytes);
                                      },
                                      [will] { return will; }});
    network_.Open(side.port);
  }
  void Run(std::chrono::microseconds time) {
    const MonoTime end = schedule_.now() + time;
    while (schedule_.RunNext(end)) {
    }
  }
  void SendMany(int count) {
    for (int i = 0; i < count; ++i) {
      (void)network_.Send(device_.port, "d", std::to_string(i), 1);
      Run(milliseconds(1));
    }
    Run(seconds(5));
  }

  Schedule schedule_;
  Network network_{schedule_, Random(1)};
  Side cloud_, device_, other_;
};

TEST_F(NetworkTest, CarriesFramesInOrderToTheirSubscribers) {
  Connect(cloud_, "");
  Connect(device_, "d");
  Connect(other_, "e");
  Run(seconds(1));
  EXPECT_EQ(cloud_.ups, 1);
  SendMany(3);
  EXPECT_THAT(cloud_.frames, ElementsAre("d:0", "d:1", "d:2"));
  EXPECT_TRUE(network_.Send(cloud_.port, "d", "x", 1));
  EXPECT_TRUE(network_.Send(cloud_.port, "*", "y", 1));
  Run(seconds(1));
  EXPECT_THAT(device_.frames, ElementsAre("d:x", "*:y"));
  EXPECT_THAT(other_.frames, ElementsAre("*:y"));
}

TEST_F(NetworkTest, ACloneHearsWhatItsTwinIsSent) {
  Connect(cloud_, "");
  Connect(device_, "d");
  Connect(other_, "d");
  Run(seconds(1));
  EXPECT_TRUE(network_.Send(cloud_.port, "d", "x", 1));
  Run(seconds(1));
  EXPECT_EQ(device_.frames, other_.frames);
}

TEST_F(NetworkTest, LosesRepeatsAndReordersAsAsked) {
  Connect(cloud_, "");
  Connect(device_, "d");
  Run(seconds(1));
  LinkQuality quality;
  quality.loss_ppm = 1'000'000;
  network_.SetQuality(quality);
  SendMany(10);
  EXPECT_THAT(cloud_.frames, IsEmpty());
  quality.loss_ppm = 0;
  quality.repeat_ppm = 1'000'000;
  network_.SetQuality(quality);
  SendMany(1);
  EXPECT_EQ(cloud_.frames.size(), 4u) << "twice on each of two hops";
  cloud_.frames.clear();
  quality.repeat_ppm = 0;
  quality.overtake_ppm = 500'000;
  network_.SetQuality(quality);
  SendMany(20);
  EXPECT_EQ(cloud_.frames.size(), 20u);
  EXPECT_FALSE(std::ranges::is_sorted(cloud_.frames));
}

TEST_F(NetworkTest, ACutPublishesTheWillAndConnectsAgain) {
  Connect(cloud_, "");
  Connect(device_, "d", "will");
  Run(seconds(1));
  EXPECT_TRUE(network_.Send(device_.port, "d", "under way", 1));
  network_.Cut(device_.port);
  EXPECT_EQ(device_.downs, 1);
  EXPECT_FALSE(network_.Send(device_.port, "d", "x", 1));
  Run(seconds(5));
  EXPECT_THAT(cloud_.frames, ElementsAre("d:will"));
  EXPECT_EQ(device_.ups, 2);
}

TEST_F(NetworkTest, OnlyAnUngracefulCloseLeavesAWill) {
  Connect(cloud_, "");
  Connect(device_, "d", "will");
  Connect(other_, "e", "will");
  Run(seconds(1));
  network_.Close(device_.port, true);
  network_.Close(other_.port, false);
  Run(seconds(200));
  EXPECT_THAT(cloud_.frames, ElementsAre("e:will"));
  EXPECT_EQ(device_.ups, 1);
  EXPECT_EQ(device_.downs, 0) << "its owner is gone";
}

TEST_F(NetworkTest, APartitionIsSilentUntilItIsNoticed) {
  Connect(cloud_, "");
  Connect(device_, "d", "will");
  Run(seconds(1));
  network_.Partition(device_.port, seconds(60), seconds(20));
  EXPECT_TRUE(network_.Send(device_.port, "d", "lost", 1));
  Run(seconds(10));
  EXPECT_EQ(device_.downs, 0);
  EXPECT_THAT(cloud_.frames, IsEmpty());
  Run(seconds(49));
  EXPECT_EQ(device_.downs, 1);
  EXPECT_EQ(device_.ups, 1);
  EXPECT_THAT(cloud_.frames, ElementsAre("d:will"));
  Run(seconds(120));
  EXPECT_EQ(device_.ups, 2);
}

TEST_F(NetworkTest, ABrokersCrashCutsEverybodyWithoutWills) {
  Connect(cloud_, "");
  Connect(device_, "d", "will");
  Run(seconds(1));
  network_.CrashBroker(seconds(30));
  EXPECT_EQ(device_.downs, 1);
  EXPECT_EQ(cloud_.downs, 1);
  Run(seconds(29));
  EXPECT_EQ(device_.ups, 1);
  Run(seconds(200));
  EXPECT_EQ(device_.ups, 2);
  EXPECT_EQ(cloud_.ups, 2);
  EXPECT_THAT(cloud_.frames, IsEmpty());
}

TEST_F(NetworkTest, ASlowLinkQueuesAndCountsWhatAnUrgentFrameWaitsFor) {
  Connect(cloud_, "");
  Connect(device_, "d");
  LinkQuality quality;
  quality.bytes_per_s = 1'000;
  network_.SetQuality(device_.port, quality);
  Run(seconds(1));
  EXPECT_TRUE(network_.Send(device_.port, "d", std::string(1'000, 'a'), 1));
  EXPECT_TRUE(network_.Send(device_.port, "d", std::string(1'000, 'b'), 1));
  EXPECT_EQ(network_.LowerAhead(device_.port), 2u);
  EXPECT_TRUE(network_.Send(device_.port, "d", "urgent", 0));
  Run(milliseconds(1'500));
  EXPECT_EQ(cloud_.frames.size(), 1u);
  Run(milliseconds(1'000));
  EXPECT_EQ(cloud_.frames.size(), 3u);
}

TEST_F(NetworkTest, CalmBringsEverybodyBackAtOnce) {
  Connect(cloud_, "");
  Connect(device_, "d");
  network_.CrashBroker(seconds(1'000));
  network_.Partition(device_.port, seconds(1'000), seconds(1));
  Run(seconds(500));
  network_.Calm({});
  Run(seconds(1));
  EXPECT_EQ(cloud_.ups, 1);
  EXPECT_EQ(device_.ups, 1);
}

}  // namespace
}  // namespace edgetwin::sim
