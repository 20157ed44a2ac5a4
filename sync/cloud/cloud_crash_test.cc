// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What ends the cloud: the third process goes on without it.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>
#include <string>

#include "sync/cloud/cloud_test_base.h"

namespace edgetwin::cloud {
namespace {

using sync::CrashItem;
using sync::CrashMarks;

constexpr int kCrashed = 3;
constexpr double kPoison = 666;

class CloudCrashTest : public CloudTest {
 protected:
  std::string File() const { return folder_ + "/crash"; }

  // One that ends by the poison.
  CloudServerOptions Mortal() {
    CloudServerOptions options = Options();
    options.crash_file = File();
    // Each process draws its own.
    options.random = [generator = std::mt19937_64(static_cast<std::uint64_t>(getpid()))](
                         std::uint64_t below) mutable { return generator() % below; };
    options.fleet.session.accept = [](const sync::WireRow& wire) {
      if (wire.row.value == model::Value(kPoison)) _exit(kCrashed);
      return Status();
    };
    return options;
  }
  int StatusOf(const std::function<void()>& body) {
    const pid_t child = fork();
    if (child == 0) {
      body();
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
  }
  // Ends twice in the middle of it.
  void Mark(const CrashItem& item) {
    std::filesystem::create_directories(folder_);
    for (int i = 0; i < 2; ++i) {
      StatusOf([&] { (*CrashMarks::Open(File()))->Enter(item), _exit(0); });
    }
  }
  model::Value Reported() {
    return On([&] {
      const LiveTwin* live = server_->fleet().Loaded("plant");
      const model::Row* row = live->twin.row(live->twin.Find("tank/level"), model::Side::kReported);
      return row == nullptr ? model::Value() : row->value;
    });
  }
};

TEST_F(CloudCrashTest, AFrameThatEndedItTwiceIsPassedOverAndTheOthersAreServed) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(StatusOf([&] {
                StartCloud(Mortal());
                AddPlant();
                Report("plant", 2, model::Value(kPoison), 2, 3);
              }),
              kCrashed);
  }
  StartCloud(Mortal());
  AddPlant();
  Report("plant", 2, model::Value(kPoison), 2, 3);
  EXPECT_EQ(On([&] { return server_->fleet().stats().frames_quarantined; }), 1u);
  AddPlant("another");
  Report("another", 2, model::Value(8.0), 2, 3);
  EXPECT_EQ(On([&] { return server_->fleet().stats().frames_quarantined; }), 1u);
  Report("plant", 2, model::Value(7.0), 2, 4);
  EXPECT_EQ(Reported(), model::Value(7.0));
}

TEST_F(CloudCrashTest, ARowThatEndedItTwiceIsRefusedByItsNumberUntilItChanges) {
  Mark({CrashItem::Kind::kEntry, kDeviceInc, 3});
  CloudServerOptions options = Options();
  options.crash_file = File();
  StartCloud(std::move(options));
  AddPlant();
  const model::Value before = Reported();
  Report("plant", 2, model::Value(6.0), 2, 3);
  const auto refusal = [&]() -> const sync::Nack* {
    for (const auto& [device, frame] : link_.frames) {
      const auto* nack = std::get_if<sync::Nack>(&frame);
      if (nack != nullptr && nack->reason == sync::NackReason::kContent) return nack;
    }
    return nullptr;
  };
  ASSERT_TRUE(Eventually([&] { return refusal() != nullptr; }));
  EXPECT_EQ(On([&] { return refusal()->entries; }), std::vector<std::uint64_t>{3});
  EXPECT_EQ(Reported(), before);
  Report("plant", 2, model::Value(7.0), 2, 4);
  EXPECT_EQ(Reported(), model::Value(7.0));
}

}  // namespace
}  // namespace edgetwin::cloud
