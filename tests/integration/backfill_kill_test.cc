// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// History under everything at once: a device that samples more than the link carries and evicts
// what has no room, a cloud that evicts as well, and both killed at any moment. Whatever was on
// flash is in the cloud once and in its place, or in the device's ledger.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/cloud/history/cloud_history.h"
#include "sync/engine/ordinal_set.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"
#include "twin/history/block.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;

constexpr std::size_t kRows = 100;
// A sixtieth of what is sampled, and at each start as much at once as is sampled in a second.
constexpr const char* kBudget = "backfill_bytes_per_hour_max = \"24MiB\"\n";

int Kills() {
  const char* text = std::getenv("EDGETWIN_KILLS");
  return text == nullptr ? 10 : std::atoi(text);
}

// A hundred rows a second of a number and a text that begins with it and hardly compresses: the
// smallest history is full in three seconds.
std::string WriteRecording(const TempDir& folder, std::size_t rows) {
  std::mt19937 random(4);
  std::ostringstream csv;
  csv << "time,a,n\n";
  for (std::size_t row = 0; row < rows; ++row) {
    csv << static_cast<double>(row) * 0.01 << "," << row << "-";
    for (int i = 0; i < 8'000; ++i) csv << static_cast<char>('a' + random() % 16);
    csv << "," << row << "\n";
  }
  return folder.Write("recording.csv", csv.str());
}

SiteOptions Options(const std::string& recording, const std::string& backfill) {
  SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.plant = false;
  options.cloud_args = {"--history-bytes-max", "4MiB"};
  options.drivers = "[history]\nbytes_max = \"1MiB\"\nbackfill = \"" + backfill + "\"\n" + kBudget +
                    "\n[properties.\"replay/*\"]\nhistory = \"high\"\n\n[drivers.replay]\nfile = "
                    "\"" +
                    recording +
                    "\"\ntime_column = \"time\"\ntime_format = \"unix_s\"\nloop = true\n"
                    "column = [\n"
                    "  { column = \"a\", property = \"a\", type = \"string\" },\n"
                    "  { column = \"n\", property = \"n\", type = \"int\" },\n]\n";
  return options;
}

void Replace(const std::string& file, const std::string& what, const std::string& by) {
  std::string text = ReadFile(file);
  const std::size_t at = text.find(what);
  ASSERT_NE(at, text.npos) << what;
  std::ofstream(file, std::ios::trunc) << text.replace(at, what.size(), by);
}

std::size_t RowOf(const model::Value& value) {
  if (value.type() == model::ValueType::kInt) return static_cast<std::size_t>(value.integer());
  if (value.type() != model::ValueType::kString) return kRows;
  return std::strtoul(value.text().c_str(), nullptr, 10);
}

class BackfillKillTest : public testing::TestWithParam<const char*> {
 protected:
  BackfillKillTest() : site_(Options(WriteRecording(folder_, kRows), GetParam()), false) {}

  // Empty when there was no answer, so that one that is late is only asked for again.
  static json ObjectOf(const std::string& body) {
    json answer = json::parse(body, nullptr, false);
    return answer.is_object() ? answer : json::object();
  }
  json Device(const std::string& what) { return ObjectOf(site_.twins().AskDevice(what).body); }
  json Cloud(const std::string& what) { return ObjectOf(site_.twins().AskCloud(what).body); }

  // At any moment: one of them, or both. Now and then after what is gathered was due.
  void Kill(std::mt19937& random) {
    const unsigned at_most_ms = random() % 8 == 0 ? 14'000 : 2'000;
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % at_most_ms));
    const unsigned which = random() % 4;
    if (which != 0) site_.KillAgent();
    if (which % 3 == 0) {
      site_.KillCloud();
      ASSERT_TRUE(site_.StartCloud()) << site_.trouble();
    }
    if (which != 0) {
      ASSERT_TRUE(site_.StartAgent()) << site_.trouble();
    }
  }

  // One more sample, and all that the device has has gone up.
  void ComeToRest() {
    site_.KillAgent();
    WriteRecording(folder_, 1);
    Replace(site_.config_file(), kBudget, "");
    Replace(site_.config_file(), "loop = true", "loop = false");
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(site_.StartAgent()) << site_.trouble();
    const auto rests = [this] {
      device_ = Device("/v1/history/audit");
      if (!device_.is_object() || device_["paths"].size() != 2) return false;
      for (const json& path : device_["paths"]) {
        if (path["in_memory"] != 0 || path["produced"] == 0) return false;
      }
      return Device("/v1/status")["history"]["backfill"]["caught_up"] == true;
    };
    EXPECT_TRUE(Until(rests, 90)) << device_.dump() << Device("/v1/status")["history"].dump()
                                  << site_.Log("edgetwind") << site_.Log("edgetwin-cloud");
    cloud_ = Cloud("/history/audit");
    gaps_ = Device("/v1/history/gaps");
  }

  void ExpectAuditsAddUp() {
    EXPECT_EQ(device_["adds_up"], true) << device_.dump();
    EXPECT_EQ(cloud_["adds_up"], true) << cloud_.dump();
    for (const json& path : device_["paths"]) {
      const auto number = [](const json& of, const char* key) {
        return of[key].get<std::uint64_t>();
      };
      const std::string name = path["path"];
      sync::OrdinalSet taken, known;
      std::uint64_t in_spans = 0;
      for (const json& holding : cloud_["paths"]) {
        if (holding["path"] != name) continue;
        for (const json& span : holding["held"]) {
          const std::uint64_t first = number(span, "first"), last = number(span, "last");
          taken.Add(first, last);
          known.Add(first, last);
          in_spans += last - first + 1;
        }
        EXPECT_EQ(number(holding, "taken"), in_spans) << holding.dump();
      }
      std::uint64_t distinct = 0;
      for (const auto& interval : taken.intervals()) distinct += interval.last - interval.first + 1;
      EXPECT_EQ(distinct, in_spans) << name << ": the cloud has taken a sample twice";
      for (const json& gap : gaps_["gaps"]) {
        if (gap["path"] == name) known.Add(number(gap, "first"), number(gap, "last"));
      }
      EXPECT_TRUE(known.Contains(0, number(path, "produced") - 1))
          << name << ": neither in the cloud nor in the ledger: " << cloud_.dump() << gaps_.dump();
      EXPECT_GE(distinct, number(path, "stored") + number(path, "delivered")) << path.dump();
      std::cerr << name << ": produced " << path["produced"] << ", taken " << in_spans
                << ", stored here " << path["stored"] << ", delivered and evicted "
                << path["delivered"] << ", lost " << path["lost"] << ", lost at most "
                << path["lost_at_most"] << "\n";
    }
  }

  // Of each opening of the device's history, samples follow each other as they were played.
  void ExpectEachSampleInItsPlace() {
    site_.cloud()->Kill(SIGTERM);
    ASSERT_EQ(site_.cloud()->Wait(std::chrono::seconds(20)), 0) << site_.Log("edgetwin-cloud");
    const auto history =
        cloud::CloudHistory::Open({.path = site_.File("cloud/history.db"), .inc = 1});
    ASSERT_TRUE(history) << history.error().text;
    for (const std::string path : {"replay/a", "replay/n"}) {
      using Place = std::pair<std::uint64_t, std::uint64_t>;  // Opening and ordinal.
      std::map<Place, std::pair<std::size_t, WallTime>> samples;
      const Status read = (*history)->ReadBlocks(
          Site::kDevice, path, WallTime::min(), WallTime::max(),
          [&](const history::BlockRecord& record, std::uint64_t inc) {
            const auto block = history::DecodeBlock(record.bytes);
            EXPECT_TRUE(block);
            std::uint64_t ordinal = record.first;
            for (const model::Sample& sample : block->samples) {
              const auto [at, fresh] = samples.emplace(Place(inc, ordinal++),
                                                       std::pair(RowOf(sample.value), sample.time));
              EXPECT_TRUE(fresh) << path << ": ordinal " << at->first.second << " is there twice";
            }
            return true;
          });
      EXPECT_TRUE(read) << read.error().text;
      // Numbers fill no block before they are due, which is later than most kills are.
      EXPECT_GT(samples.size(), path == "replay/a" ? kRows : 0u) << path;
      for (auto at = samples.begin(), next = std::next(at); next != samples.end(); at = next++) {
        if (next->first != Place(at->first.first, at->first.second + 1)) continue;
        ASSERT_EQ(next->second.first, (at->second.first + 1) % kRows)
            << path << ": ordinal " << next->first.second;
        ASSERT_GE(next->second.second, at->second.second) << path;
      }
    }
  }

  bool Evicts() {
    const json gaps = Device("/v1/history/gaps");
    return gaps.is_object() && gaps.dump().find("bytes_max") != std::string::npos;
  }
  std::uint64_t Sum(const json& audit, const char* key) {
    std::uint64_t sum = 0;
    for (const json& path : audit.value("paths", json::array())) {
      sum += path.value(key, std::uint64_t{0});
    }
    return sum;
  }

  TempDir folder_;
  Site site_;
  json device_, cloud_, gaps_;
};

TEST_P(BackfillKillTest, NothingIsLostOrTakenTwiceWhileBothEvictAndAreKilled) {
  const auto seed =
      static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  ASSERT_TRUE(site_.StartCloud() && site_.StartAgent()) << site_.trouble();
  ASSERT_TRUE(site_.WaitForTwin(20)) << site_.trouble();
  ASSERT_TRUE(Until([this] { return Evicts(); }, 60)) << Device("/v1/status")["history"].dump();
  const std::uint64_t taken_before = Sum(Cloud("/history/audit"), "taken");
  for (int kill = 0; kill < Kills(); ++kill) {
    ASSERT_NO_FATAL_FAILURE(Kill(random)) << "kill " << kill;
  }
  ASSERT_NO_FATAL_FAILURE(ComeToRest());
  EXPECT_GT(Sum(cloud_, "taken"), taken_before) << "nothing went up between the kills";
  EXPECT_GT(Sum(device_, "lost"), 0u) << "nothing was evicted that was not delivered";
  ExpectAuditsAddUp();
  ASSERT_NO_FATAL_FAILURE(ExpectEachSampleInItsPlace());
}

INSTANTIATE_TEST_SUITE_P(Orders, BackfillKillTest, testing::Values("newest", "oldest"),
                         [](const auto& order) { return std::string(order.param); });

}  // namespace
}  // namespace edgetwin::tests
