// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/import_api.h"

#include <gtest/gtest.h>

#include <string>

#include "sync/cloud/cloud_test_base.h"
#include "twin/history/block.h"

namespace edgetwin::cloud {
namespace {

using nlohmann::json;

constexpr std::int64_t kStartMs = 1'790'000'000'000;

// One sample a second.
std::string Block(std::uint64_t first, std::size_t count) {
  std::vector<model::Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i].value = model::Value(static_cast<double>(first + i) / 2);
    samples[i].time = WallTime(
        std::chrono::milliseconds(kStartMs + static_cast<std::int64_t>(first + i) * 1'000));
  }
  return history::EncodeBlock(samples, first).value();
}

std::string Begin(const std::string& device, sync::HistoryMark known = {}) {
  sync::CarryHead head;
  head.device = device;
  head.known = known;
  return std::string(sync::CarryMagic()) + sync::EncodeRecord(head);
}

std::string Part(std::uint64_t first, std::string block = {}) {
  sync::CarryPart part;
  part.paths = {"tank/level"};
  part.history.inc = 0x77;
  part.history.blocks = {{1, block.empty() ? Block(first, 10) : std::move(block)}};
  return sync::EncodeRecord(part);
}

class ImportApiTest : public CloudTest {
 protected:
  json Import(const std::string& body, int status = 200) {
    const http::TestResponse answer = http::TestClient(port_).Do(
        "POST", "/v1/import", "Content-Type: " + std::string(sync::kCarryContentType) + "\r\n",
        body);
    EXPECT_EQ(answer.status, status) << answer.body;
    return json::parse(answer.body, nullptr, false);
  }
  std::size_t Samples(const std::string& device) {
    return Get("/v1/twins/" + device +
               "/history?path=tank/level&from=0&to=1890000000000")["samples"]
        .size();
  }
};

TEST_F(ImportApiTest, AFileIsTakenOnce) {
  StartCloud();
  AddPlant();
  const json first = Import(Begin("plant") + Part(0) + Part(10));
  EXPECT_EQ(first["device"], "plant");
  EXPECT_EQ(first["known"], true);
  EXPECT_EQ(first["blocks"], 2);
  EXPECT_EQ(first["samples"], 20);
  EXPECT_EQ(first["already_held"], 0);
  const json again = Import(Begin("plant") + Part(0) + Part(10) + Part(20));
  EXPECT_EQ(again["blocks"], 1);
  EXPECT_EQ(again["samples"], 10);
  EXPECT_EQ(again["already_held"], 2);
  EXPECT_EQ(Samples("plant"), 30u);
  EXPECT_EQ(Get("/v1/twins/plant/history/audit")["adds_up"], true);
}

TEST_F(ImportApiTest, TheHistoryOfADeviceThatNeverCalledIsKeptAndShown) {
  StartCloud();
  const json answer = Import(Begin("hermit") + Part(0));
  EXPECT_EQ(answer["known"], false);
  EXPECT_EQ(Samples("hermit"), 10u);
  Get("/v1/twins/hermit/history/audit");
  Get("/v1/twins/hermit", 404);
  Get("/v1/twins/stranger/history/audit", 404);
}

TEST_F(ImportApiTest, WhatPrecedesDamageIsTaken) {
  StartCloud();
  const std::string sound = Begin("plant") + Part(0);
  std::string damaged = sound + Part(10) + Part(20);
  damaged[sound.size() + 30] = static_cast<char>(damaged[sound.size() + 30] ^ 1);
  const json answer = Import(damaged, 422);
  EXPECT_EQ(answer["blocks"], 1);
  EXPECT_NE(answer["detail"].get<std::string>().find("at byte " + std::to_string(sound.size())),
            std::string::npos)
      << answer;
  const json cut = Import((sound + Part(10)).substr(0, sound.size() + 30), 422);
  EXPECT_EQ(cut["already_held"], 1);
  EXPECT_EQ(Samples("plant"), 10u);
}

TEST_F(ImportApiTest, ABlockThatIsNotWholeIsRefusedAndTheRestTaken) {
  StartCloud();
  const json answer = Import(Begin("plant") + Part(0, "no block") + Part(10));
  EXPECT_EQ(answer["refused"], 1);
  EXPECT_EQ(answer["blocks"], 1);
  EXPECT_EQ(Samples("plant"), 10u);
}

TEST_F(ImportApiTest, SaysWhetherItIsTheCloudThatTheDeviceKnows) {
  StartCloud();
  const json first = Import(Begin("plant") + Part(0));
  EXPECT_EQ(first["continues"], true) << "it knows none";
  const json commit = first["commit"];
  const sync::HistoryMark mark = {std::stoull(commit["inc"].get<std::string>(), nullptr, 16),
                                  commit["number"].get<std::uint64_t>()};
  EXPECT_EQ(Import(Begin("plant", mark) + Part(10))["continues"], true);
  EXPECT_EQ(Import(Begin("plant", {mark.inc + 1, 1}) + Part(20))["continues"], false);
  EXPECT_EQ(Import(Begin("plant", {mark.inc, 1'000}) + Part(30))["continues"], false);
}

TEST_F(ImportApiTest, WhatIsNoFileOfADeviceIsRefused) {
  StartCloud();
  Import("{}", 400);
  Import(std::string(sync::CarryMagic()), 400);
  Import(std::string(sync::CarryMagic()) + Part(0), 400);
  Import(Begin("../etc") + Part(0), 400);
  EXPECT_EQ(http::TestClient(port_).Do("POST", "/v1/import", "", Begin("plant")).status, 415)
      << "what a web page may send unasked";
}

}  // namespace
}  // namespace edgetwin::cloud
