// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// History's way to the cloud, over real parts: what was sampled while nobody was reached arrives
// once and in its place, whoever is killed on the way.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;

int Kills() {
  const char* text = std::getenv("EDGETWIN_KILLS");
  return text == nullptr ? 8 : std::atoi(text);
}

std::int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Twenty rows a second of a number and a text that hardly compresses: a block a second or so.
std::string WriteRecording(const TempDir& folder) {
  std::mt19937 random(4);
  std::ostringstream csv;
  csv << "time,a,n\n";
  for (int row = 0; row < 200; ++row) {
    csv << row * 0.05 << ",";
    for (int i = 0; i < 2'000; ++i) csv << static_cast<char>('a' + random() % 16);
    csv << "," << row << "\n";
  }
  return folder.Write("recording.csv", csv.str());
}

// Twice as fast as samples come: what waits is on its way for half a minute.
constexpr const char* kSlow = "\nbackfill_bytes_per_hour_max = \"144MiB\"";

SiteOptions Options(const std::string& recording, const std::string& backfill) {
  SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.plant = false;
  options.drivers =
      "[history]\nbackfill = \"" + backfill +
      "\"\n\n[properties.\"replay/*\"]\nhistory = \"high\"\n\n[drivers.replay]\nfile = \"" +
      recording +
      "\"\ntime_column = \"time\"\ntime_format = \"unix_s\"\nloop = true\n"
      "column = [\n"
      "  { column = \"a\", property = \"a\", type = \"string\" },\n"
      "  { column = \"n\", property = \"n\", type = \"int\" },\n]\n";
  return options;
}

class BackfillTest : public testing::TestWithParam<const char*> {
 protected:
  BackfillTest() : site_(Options(WriteRecording(folder_), GetParam()), false) {}
  void SetUp() override {
    ASSERT_TRUE(site_.StartCloud() && site_.StartAgent()) << site_.trouble();
    ASSERT_TRUE(site_.WaitForTwin(20)) << site_.trouble();
  }

  // Empty when there was no answer, so that one that is late is only asked for again.
  static json ObjectOf(const std::string& body) {
    json answer = json::parse(body, nullptr, false);
    return answer.is_object() ? answer : json::object();
  }
  json Device(const std::string& what) { return ObjectOf(site_.twins().AskDevice(what).body); }
  json Cloud(const std::string& what) { return ObjectOf(site_.twins().AskCloud(what).body); }
  std::uint64_t HistoryNumber(const char* key) {
    json status = Device("/v1/status");
    if (!status.is_object() || !status["history"].is_object()) return 0;
    return status["history"][key].get<std::uint64_t>();
  }
  // Of a path up to `to_ms`, as the device and as the cloud have them.
  static std::string Range(const std::string& path, std::int64_t to_ms) {
    return "?path=" + path + "&from=0&to=" + std::to_string(to_ms);
  }
  json DeviceSamples(const std::string& path, std::int64_t to_ms) {
    json answer = Device("/v1/history" + Range(path, to_ms));
    if (!answer.is_object() || answer.value("truncated", true)) return nullptr;
    return answer["samples"];
  }
  json CloudSamples(const std::string& path, std::int64_t to_ms) {
    json answer = Cloud("/history" + Range(path, to_ms));
    if (!answer.is_object() || answer.value("truncated", true)) return nullptr;
    return answer["samples"];
  }

  // With the broker away, until so many blocks more are on flash.
  void FillOffline(std::uint64_t blocks) {
    site_.broker().Stop();
    const std::uint64_t before = HistoryNumber("blocks");
    ASSERT_TRUE(Until([&] { return HistoryNumber("blocks") >= before + blocks; }, 90))
        << Device("/v1/status")["history"];
    site_.broker().Start();
  }

  // Everything that was sampled up to `to_ms` and is on the device is in the cloud, each sample
  // once and in its place.
  void ExpectEverythingArrives(std::int64_t to_ms) {
    for (const std::string path : {"replay/a", "replay/n"}) {
      json here, there;
      const bool same = Until(
          [&] {
            here = DeviceSamples(path, to_ms);
            there = CloudSamples(path, to_ms);
            return here.is_array() && here == there;
          },
          60);
      EXPECT_TRUE(same) << path << ": " << here.size() << " samples at the device, " << there.size()
                        << " in the cloud; " << Device("/v1/status")["history"]
                        << Cloud("/history/audit").dump() << site_.Log("edgetwin-cloud");
      EXPECT_GT(here.size(), 0u) << path;
    }
  }
  void ExpectAuditsAddUp() {
    json device = Device("/v1/history/audit");
    EXPECT_EQ(device["adds_up"], true) << device.dump();
    json cloud = Cloud("/history/audit");
    EXPECT_EQ(cloud["adds_up"], true) << cloud.dump();
    // Nothing is in the cloud that the device doesn't know of.
    std::map<std::string, std::uint64_t> produced;
    for (const json& path : device["paths"]) produced[path["path"]] = path["produced"];
    for (const json& path : cloud["paths"]) {
      EXPECT_LE(path["taken"].get<std::uint64_t>(), produced[path["path"]]) << path.dump();
    }
  }

  TempDir folder_;
  Site site_;
};

TEST_P(BackfillTest, WhatWasSampledOfflineFollowsWhatIsLive) {
  FillOffline(20);
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_TRUE(site_.WaitForTwin(60)) << site_.trouble();
  const std::int64_t back_ms = NowMs();
  const auto live = [&] {
    json property = Cloud("/properties/replay/n");
    if (!property.is_object() || !property["reported"].is_object()) return false;
    const json past = Cloud("/history" + Range("replay/n", back_ms));
    // It is the newest value of all, whatever of the past is there.
    return property["reported"]["durable"] == true &&
           property["reported"]["time"] > past.value("to", "");
  };
  EXPECT_TRUE(Until(live, 10)) << Cloud("/properties/replay/n").dump();
  ExpectEverythingArrives(back_ms);
  ExpectAuditsAddUp();
  EXPECT_EQ(Device("/v1/status")["history"]["backfill"]["blocks_refused"], 0);
}

TEST_P(BackfillTest, NothingIsLostOrTakenTwiceWhoeverIsKilled) {
  const auto seed =
      static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  FillOffline(30);
  ASSERT_FALSE(HasFatalFailure());
  for (int kill = 0; kill < Kills(); ++kill) {
    if (kill != 1) {
      site_.KillAgent();
      ASSERT_TRUE(site_.StartAgent()) << site_.trouble();
    }
    if (kill % 2 == 1) {
      site_.KillCloud();
      ASSERT_TRUE(site_.StartCloud()) << site_.trouble();
    }
    if (kill > 0) {
      ASSERT_TRUE(site_.WaitForTwin(30)) << site_.trouble();
    }
    // At any moment.
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1'500));
  }
  ExpectEverythingArrives(NowMs());
  ExpectAuditsAddUp();
}

INSTANTIATE_TEST_SUITE_P(Orders, BackfillTest, testing::Values("newest", "oldest"),
                         [](const auto& order) { return std::string(order.param); });

}  // namespace
}  // namespace edgetwin::tests
