// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/history_api.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "sync/cloud/cloud_test_base.h"
#include "twin/history/block.h"

namespace edgetwin::cloud {
namespace {

using nlohmann::json;

constexpr std::int64_t kStartMs = 1'790'000'000'000;

class HistoryApiTest : public CloudTest {
 protected:
  // One sample a second, of 0.5 each.
  static std::string Block(std::uint64_t first, std::size_t count) {
    std::vector<model::Sample> samples(count);
    for (std::size_t i = 0; i < count; ++i) {
      samples[i].value = model::Value(static_cast<double>(first + i) / 2);
      samples[i].time = WallTime(
          std::chrono::milliseconds(kStartMs + static_cast<std::int64_t>(first + i) * 1'000));
    }
    return history::EncodeBlock(samples, first).value();
  }
  sync::HistoryFrame Frame(std::uint32_t number, std::vector<sync::WireBlock> blocks) {
    sync::HistoryFrame frame;
    frame.session = kSession;
    frame.number = number;
    frame.inc = 0x77;
    frame.blocks = std::move(blocks);
    return frame;
  }
  const sync::HistoryAck* AckOf(std::uint32_t number) {
    for (const auto& [device, frame] : link_.frames) {
      const auto* ack = std::get_if<sync::HistoryAck>(&frame);
      if (ack != nullptr && ack->number == number) return ack;
    }
    return nullptr;
  }
  // Sends it and waits for its ack.
  void Deliver(const std::string& device, const sync::HistoryFrame& frame) {
    Receive(device, frame);
    ASSERT_TRUE(Eventually([&] { return AckOf(frame.number) != nullptr; })) << frame.number;
  }
  static std::string Range(std::uint64_t from, std::uint64_t to, const std::string& more = {}) {
    return "&from=" + std::to_string(kStartMs + static_cast<std::int64_t>(from) * 1'000) +
           "&to=" + std::to_string(kStartMs + static_cast<std::int64_t>(to) * 1'000) + more;
  }
};

TEST_F(HistoryApiTest, ShowsExactSamples) {
  StartCloud();
  AddPlant();
  Deliver("plant", Frame(1, {{2, Block(10, 10)}, {2, Block(0, 10)}}));
  const json answer = Get("/v1/twins/plant/history?path=tank/level" + Range(8, 11));
  ASSERT_EQ(answer["samples"].size(), 4u) << answer;
  EXPECT_EQ(answer["samples"][0],
            json({{"time", "2026-09-21T14:13:28.000Z"}, {"value", 4}, {"quality", "good"}}));
  EXPECT_EQ(answer["samples"][3]["value"], 5.5);
  EXPECT_EQ(answer["truncated"], false);
  EXPECT_EQ(answer["gaps"], json::array());
}

TEST_F(HistoryApiTest, DownsamplesToMinMeanAndMax) {
  StartCloud();
  AddPlant();
  Deliver("plant", Frame(1, {{2, Block(0, 100)}}));
  const json answer =
      Get("/v1/twins/plant/history?path=tank/level" + Range(0, 99, "&max_points=10"));
  ASSERT_EQ(answer["points"].size(), 10u) << answer;
  std::uint64_t count = 0;
  for (const json& point : answer["points"]) count += point["count"].get<std::uint64_t>();
  EXPECT_EQ(count, 100u);
  EXPECT_EQ(answer["points"][0]["min"], 0);
  EXPECT_EQ(answer["points"][9]["max"], 49.5);
}

TEST_F(HistoryApiTest, ShowsWhatIsMissing) {
  StartCloud();
  AddPlant();
  sync::HistoryFrame frame = Frame(1, {{2, Block(0, 10)}});
  sync::WireLoss loss;
  loss.pid = 2;
  loss.record = {.reason = 1,
                 .inc = 0x77,
                 .first = 10,
                 .last = 19,
                 .count = 10,
                 .from = WallTime(std::chrono::milliseconds(kStartMs + 10'000)),
                 .to = WallTime(std::chrono::milliseconds(kStartMs + 19'000))};
  frame.losses = {loss};
  Deliver("plant", frame);
  const json answer = Get("/v1/twins/plant/history?path=tank/level" + Range(0, 15));
  ASSERT_EQ(answer["gaps"].size(), 1u) << answer;
  EXPECT_EQ(answer["gaps"][0]["reason"], "bytes_max");
  EXPECT_EQ(answer["gaps"][0]["where"], "device");
  EXPECT_EQ(answer["gaps"][0]["count"], 10);
  EXPECT_EQ(Get("/v1/twins/plant/history?path=tank/level" + Range(0, 9))["gaps"].size(), 0u);
  EXPECT_EQ(Get("/v1/twins/plant/history/gaps?path=tank/level")["gaps"].size(), 1u);
}

TEST_F(HistoryApiTest, AcknowledgesWhatIsOnDiskAndTakesItOnce) {
  StartCloud();
  AddPlant();
  Deliver("plant", Frame(1, {{2, Block(0, 10)}}));
  StopCloud();
  link_.frames.clear();
  StartCloud();
  Hello("plant");
  Deliver("plant", Frame(2, {{2, Block(0, 10)}, {2, Block(10, 10)}}));
  const auto ack = On([&] { return *AckOf(2); });
  EXPECT_EQ(ack.held.inc, 0x77u);
  EXPECT_EQ(ack.held.spans, (std::vector<sync::OrdinalSpan>{{2, 0, 19}}));
  const json audit = Get("/v1/twins/plant/history/audit");
  EXPECT_EQ(audit["adds_up"], true);
  EXPECT_EQ(audit["paths"][0]["stored"], 20);
}

TEST_F(HistoryApiTest, NothingOfADeviceWithoutASessionIsTaken) {
  StartCloud();
  AddPlant();
  sync::HistoryFrame frame = Frame(1, {{2, Block(0, 10)}});
  frame.session = kSession + 1;  // As a fenced one might try.
  Receive("plant", frame);
  frame = Frame(2, {{2, Block(10, 10)}});
  Deliver("plant", frame);
  EXPECT_EQ(Get("/v1/twins/plant/history/audit")["paths"][0]["held"],
            json::array({{{"inc", "0000000000000077"}, {"first", 10}, {"last", 19}}}));
}

TEST_F(HistoryApiTest, AnUnknownPidIsAskedFor) {
  StartCloud();
  AddPlant();
  Receive("plant", Frame(1, {{9, Block(0, 10)}}));
  EXPECT_TRUE(Eventually([&] {
    return std::any_of(link_.frames.begin(), link_.frames.end(), [](const auto& sent) {
      const auto* nack = std::get_if<sync::Nack>(&sent.second);
      return nack != nullptr && nack->reason == sync::NackReason::kUnknownPid;
    });
  }));
}

TEST_F(HistoryApiTest, BadQuestionsAreAnsweredClearly) {
  StartCloud();
  AddPlant();
  Get("/v1/twins/plant/history", 400);
  Get("/v1/twins/plant/history?path=tank/level&from=2&to=1", 400);
  Get("/v1/twins/plant/history?path=tank/level&max_points=-1", 400);
  Get("/v1/twins/plant/history?path=tank/level&from=x", 400);
  Get("/v1/twins/plant/history?path=tank/level", 404);
  Get("/v1/twins/stranger/history?path=tank/level", 404);
}

}  // namespace
}  // namespace edgetwin::cloud
