// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The operator's part of the API: devices, who may speak for them, events and commands.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "sync/cloud/cloud_test_base.h"

namespace edgetwin::cloud {
namespace {

using http::TestResponse;
using nlohmann::json;
using testing::HasSubstr;

class DeviceApiTest : public CloudTest {
 protected:
  static constexpr std::uint64_t kOtherInc = 0xeeee;

  TestResponse Post(const std::string& target, const std::string& body = {}) {
    return http::TestClient(port_).Do(
        "POST", target, body.empty() ? "" : "Content-Type: application/json\r\n", body);
  }
  static std::string KeyOf(const TestResponse& response) {
    EXPECT_EQ(response.status, 400) << response.body;
    return json::parse(response.body).value("key", "");
  }
  // A Hello of a store that began with `inc`. Nothing is waited for.
  void Claim(const std::string& device, std::uint64_t inc, std::uint32_t session,
             const std::string& hardware = {}) {
    sync::Hello hello;
    hello.session = session;
    hello.lineage = {{inc, 1, 1'000}};
    hello.software = "test device";
    hello.hardware = hardware;
    hello.wall_ms = 1'790'000'000'000;
    Receive(device, hello);
  }
  // A plant whose store was replaced while it was away: who comes with the old one is refused.
  void FencePlant() {
    AddPlant();
    Receive("plant", sync::Bye{kSession});
    Claim("plant", kOtherInc, 88);
    ASSERT_TRUE(Eventually([&] { return Connected("plant"); }));
    Receive("plant", sync::Bye{88});
    Claim("plant", kDeviceInc, 99, "pi4 10000000a1b2c3d4");
    ASSERT_TRUE(Eventually(
        [&] { return server_->fleet().Summary("plant").summary.claim.inc == kDeviceInc; }));
  }
  bool Connected(const std::string& device) {
    const LiveTwin* live = server_->fleet().Loaded(device);
    return live != nullptr && live->session.connected();
  }
  void TellEvents(const std::string& device, std::uint64_t from, std::uint64_t to,
                  std::uint64_t command = 0) {
    sync::Delta delta;
    delta.session = kSession;
    delta.stream = model::Stream::kEvents;
    delta.from = from;
    delta.to = to;
    for (std::uint64_t seq = from + 1; seq <= to; ++seq) {
      sync::WireEvent wire;
      wire.pid = 1;
      wire.event.dot.seq = seq;
      wire.event.kind = command == 0 ? "restarted" : "command_done";
      wire.event.text = "number " + std::to_string(seq);
      wire.event.command = command;
      delta.events.push_back(wire);
    }
    Receive(device, delta);
    ASSERT_TRUE(Eventually(
        [&] { return server_->fleet().Loaded(device)->session.status().events_durable == to; }));
  }
};

TEST_F(DeviceApiTest, ListsDevicesInPages) {
  StartCloud();
  for (const char* device : {"c", "a", "b"}) Hello(device);
  json page = Get("/v1/devices?limit=2");
  ASSERT_EQ(page["devices"].size(), 2u);
  EXPECT_EQ(page["devices"][0]["id"], "a");
  EXPECT_EQ(page["devices"][0]["state"], "connected");
  EXPECT_EQ(page["devices"][0]["admission"], "normal");
  EXPECT_EQ(page["devices"][0]["software"], "test device");
  EXPECT_EQ(page["devices"][0]["epoch"], 1);
  EXPECT_FALSE(page["devices"][0].contains("claim"));
  EXPECT_EQ(page["next"], "/v1/devices?limit=2&after=b");
  page = Get(page["next"]);
  ASSERT_EQ(page["devices"].size(), 1u);
  EXPECT_EQ(page["devices"][0]["id"], "c");
  EXPECT_FALSE(page.contains("next"));
  for (const char* bad : {"0", "1001", "x", ""}) {
    EXPECT_EQ(Get(std::string("/v1/devices?limit=") + bad, 400)["key"], "limit");
  }
}

TEST_F(DeviceApiTest, ShowsOneDeviceWithWatermarksAndCounters) {
  StartCloud();
  AddPlant();
  const json device = Get("/v1/devices/plant");
  EXPECT_EQ(device["state"], "connected");
  EXPECT_EQ(device["durable"]["reported"], 2);
  EXPECT_EQ(device["commands_open"], 0);
  EXPECT_EQ(device["since_start"]["sessions"], 1);
  EXPECT_EQ(device["explanation"], "it is connected, and nobody else was refused");
  Receive("plant", sync::Bye{kSession});
  EXPECT_EQ(Get("/v1/devices/plant")["state"], "away");
  Get("/v1/devices/stranger", 404);
}

TEST_F(DeviceApiTest, AFencedDeviceSaysWhoWasRefusedAndWhatCanBeDone) {
  StartCloud();
  FencePlant();
  const json device = Get("/v1/devices/plant");
  EXPECT_EQ(device["state"], "fenced");
  EXPECT_EQ(device["claim"]["inc"], "000000000000dddd");
  EXPECT_EQ(device["claim"]["hardware"], "pi4 10000000a1b2c3d4");
  EXPECT_EQ(device["claim"]["at"], "2026-09-21T14:13:20.000Z") << "by its own clock";
  EXPECT_TRUE(device["claim"].contains("last_refused")) << "by ours";
  EXPECT_THAT(device["claim"]["why"], HasSubstr("given up"));
  EXPECT_THAT(device["explanation"].get<std::string>(), HasSubstr("pi4 10000000a1b2c3d4"));
  ASSERT_EQ(device["actions"].size(), 2u);
  EXPECT_EQ(device["actions"][0]["post"], "/v1/devices/plant/admit");
  EXPECT_EQ(Get("/v1/devices")["devices"][0]["claim"], device["claim"]);
}

TEST_F(DeviceApiTest, AClaimIsListedWithoutItsTwinInMemory) {
  StartCloud();
  FencePlant();
  ASSERT_TRUE(Eventually([&] {
    const sync::CloudSession& session = server_->fleet().Loaded("plant")->session;
    return session.batches() == session.batches_durable();
  }));
  StopCloud();
  StartCloud();
  ASSERT_EQ(On([&] { return server_->fleet().Loaded("plant"); }), nullptr);
  const json device = Get("/v1/devices")["devices"][0];
  EXPECT_EQ(device["state"], "fenced");
  EXPECT_EQ(device["claim"]["hardware"], "pi4 10000000a1b2c3d4");
}

TEST_F(DeviceApiTest, AdmittingLetsTheRefusedOneIn) {
  StartCloud();
  FencePlant();
  const TestResponse admitted = Post("/v1/devices/plant/admit");
  EXPECT_EQ(admitted.status, 200) << admitted.body;
  EXPECT_EQ(json::parse(admitted.body)["state"], "awaiting");
  EXPECT_TRUE(On([&] {
    const auto* nack = std::get_if<sync::Nack>(&link_.frames.back().second);
    return nack != nullptr && nack->reason == sync::NackReason::kUnknownSession;
  })) << "it is asked to say Hello, or it would wait for minutes";
  Claim("plant", kDeviceInc, 100);
  ASSERT_TRUE(Eventually([&] { return Connected("plant"); }));
  const json device = Get("/v1/devices/plant");
  EXPECT_EQ(device["state"], "connected");
  EXPECT_EQ(device["admission"], "normal");
  EXPECT_FALSE(device.contains("claim")) << "it is settled";
  EXPECT_EQ(Post("/v1/devices/stranger/admit").status, 404);
}

TEST_F(DeviceApiTest, AnAdmissionThatNobodyUsedCanBeWithdrawn) {
  StartCloud();
  FencePlant();
  EXPECT_EQ(Post("/v1/devices/plant/withdraw").status, 409) << "there is none";
  ASSERT_EQ(Post("/v1/devices/plant/admit").status, 200);
  const TestResponse withdrawn = Post("/v1/devices/plant/withdraw");
  EXPECT_EQ(withdrawn.status, 200) << withdrawn.body;
  EXPECT_EQ(json::parse(withdrawn.body)["state"], "fenced");
  Claim("plant", kDeviceInc, 100);
  EXPECT_EQ(Get("/v1/devices/plant")["state"], "fenced") << "who was refused stays out";
  ASSERT_EQ(Post("/v1/devices/plant/decommission", R"({"confirm":"plant"})").status, 200);
  ASSERT_EQ(Post("/v1/devices/plant/admit").status, 200);
  ASSERT_EQ(Post("/v1/devices/plant/withdraw").status, 200);
  EXPECT_EQ(Get("/v1/devices/plant")["state"], "decommissioned");
  EXPECT_EQ(Post("/v1/devices/stranger/withdraw").status, 404);
}

TEST_F(DeviceApiTest, AnAdmissionIsKeptOverARestart) {
  StartCloud();
  FencePlant();
  ASSERT_EQ(Post("/v1/devices/plant/admit").status, 200);
  StopCloud();
  StartCloud();
  EXPECT_EQ(Get("/v1/devices/plant")["state"], "awaiting");
}

TEST_F(DeviceApiTest, DecommissioningIsConfirmedByTheDevicesOwnId) {
  StartCloud();
  AddPlant();
  const std::string target = "/v1/devices/plant/decommission";
  EXPECT_EQ(KeyOf(Post(target, "{}")), "confirm");
  EXPECT_EQ(KeyOf(Post(target, R"({"confirm":"plan"})")), "confirm");
  EXPECT_EQ(KeyOf(Post(target, R"({"confirm":true})")), "confirm");
  EXPECT_EQ(KeyOf(Post(target, "{")), "");
  EXPECT_EQ(Post(target).status, 415);
  EXPECT_EQ(Get("/v1/devices/plant")["state"], "connected") << "nothing happened";
  EXPECT_EQ(Post("/v1/devices/stranger/decommission", R"({"confirm":"stranger"})").status, 404);
  const TestResponse done = Post(target, R"({"confirm":"plant"})");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(json::parse(done.body)["state"], "decommissioned");
  Claim("plant", kDeviceInc, 100);
  EXPECT_EQ(Get("/v1/devices/plant")["connected"], false);
  EXPECT_THAT(Get("/v1/devices/plant")["claim"]["why"], HasSubstr("decommissioned"));
  EXPECT_EQ(Get("/v1/twins/plant")["properties"]["pump/speed"]["reported"]["value"], 1500.5)
      << "what is known of it stays";
  ASSERT_EQ(Post("/v1/devices/plant/admit").status, 200);
  Claim("plant", kDeviceInc, 101);
  EXPECT_TRUE(Eventually([&] { return Connected("plant"); })) << "it can be undone";
}

TEST_F(DeviceApiTest, StoredEventsComeNewestFirstInStablePages) {
  StartCloud();
  AddPlant();
  EXPECT_EQ(Get("/v1/devices/plant/events")["events"], json::array());
  TellEvents("plant", 0, 5);
  json page = Get("/v1/devices/plant/events?limit=2");
  ASSERT_EQ(page["events"].size(), 2u);
  EXPECT_EQ(page["events"][0]["text"], "number 5");
  EXPECT_EQ(page["events"][0]["path"], "pump/speed");
  EXPECT_EQ(page["events"][0]["inc"], "000000000000dddd");
  EXPECT_EQ(page["next"], "/v1/devices/plant/events?limit=2&before=000000000000dddd-4");
  TellEvents("plant", 5, 6);  // What comes meanwhile moves no page.
  page = Get(page["next"]);
  ASSERT_EQ(page["events"].size(), 2u);
  EXPECT_EQ(page["events"][0]["text"], "number 3");
  page = Get(page["next"]);
  ASSERT_EQ(page["events"].size(), 1u);
  EXPECT_EQ(page["events"][0]["text"], "number 1");
  EXPECT_FALSE(page.contains("next"));
  for (const char* bad : {"", "4", "dddd-4", "000000000000dddd-", "000000000000dddd-0",
                          "000000000000dddd-4x", "00000000000gdddd-4"}) {
    EXPECT_EQ(Get(std::string("/v1/devices/plant/events?before=") + bad, 400)["key"], "before")
        << bad;
  }
  Get("/v1/devices/stranger/events", 404);
  EXPECT_THAT(http::TestClient(port_).Do("GET", "/metrics").body,
              HasSubstr("\nedgetwin_cloud_events_stored_total 6\n"));
}

TEST_F(DeviceApiTest, ACommandIsAnsweredWhenItIsDurableAndThenByTheDevice) {
  StartCloud();
  AddPlant();
  const TestResponse given =
      Post("/v1/devices/plant/commands",
           R"({"name":"write","path":"pump/speed","value":1200,"expires_in":60})");
  ASSERT_EQ(given.status, 201) << given.body;
  const json command = json::parse(given.body);
  EXPECT_EQ(command["state"], "open");
  EXPECT_EQ(command["durable"], true);
  EXPECT_EQ(command["who"], "api");
  EXPECT_EQ(command["epoch"], 1);
  const std::string id = command["id"];
  EXPECT_EQ(given.headers.at("location"), "/v1/devices/plant/commands/" + id);
  EXPECT_EQ(Get("/v1/devices/plant")["commands_open"], 1);
  EXPECT_TRUE(Eventually([&] {
    return std::any_of(link_.frames.begin(), link_.frames.end(), [](const auto& sent) {
      const auto* delta = std::get_if<sync::Delta>(&sent.second);
      return delta != nullptr && !delta->commands.empty();
    });
  })) << "it was not sent";
  TellEvents("plant", 0, 1, std::stoull(id, nullptr, 16));
  const json answered = Get(given.headers.at("location"));
  EXPECT_EQ(answered["state"], "done");
  EXPECT_EQ(answered["result"], "number 1");
  EXPECT_EQ(Get("/v1/devices/plant/commands")["commands"], json::array({answered}));
  EXPECT_EQ(Get("/v1/devices/plant/commands?state=open")["commands"], json::array());
  EXPECT_EQ(Get("/v1/devices/plant/commands?state=done", 400)["key"], "state");
  EXPECT_EQ(Get("/v1/devices/plant/commands/7", 400)["key"], "id");
  Get("/v1/devices/plant/commands/00000000000000fe", 404);
  Get("/v1/devices/stranger/commands", 404);
}

TEST_F(DeviceApiTest, ACommandGivenTwiceUnderOneIdIsOne) {
  StartCloud();
  AddPlant();
  const std::string target = "/v1/devices/plant/commands";
  const std::string body = R"({"id":"00000000000000fe","name":"read","path":"pump/speed"})";
  EXPECT_EQ(Post(target, body).status, 201);
  EXPECT_EQ(Post(target, body).status, 200);
  EXPECT_EQ(Post(target, R"({"id":"00000000000000fe","name":"read","path":"tank/level"})").status,
            409);
  EXPECT_EQ(Get(target)["commands"].size(), 1u);
  // As the store has it.
  StopCloud();
  StartCloud();
  EXPECT_EQ(Post(target, body).status, 200);
}

TEST_F(DeviceApiTest, ACommandOnAFullDiskIsNoPromiseAlsoWhenItIsGivenAgain) {
  StartCloud();
  AddPlant();
  const std::string target = "/v1/devices/plant/commands";
  const std::string body = R"({"id":"00000000000000fe","name":"read","path":"pump/speed"})";
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(folder_ + "/cloud.db-wal");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const TestResponse first = Post(target, body);
  const TestResponse again = Post(target, body);
  const TestResponse admitted = Post("/v1/devices/plant/admit");
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(first.status, 503) << first.body;
  EXPECT_EQ(again.status, 503) << again.body;
  EXPECT_EQ(admitted.status, 503) << admitted.body;
  EXPECT_TRUE(Eventually([&] { return server_->fleet().Loaded("plant")->session.Durable(1); }));
  EXPECT_EQ(Post(target, body).status, 200);
}

TEST_F(DeviceApiTest, AnEventOfAPropertyThatTheTwinLacksHasNoPath) {
  std::filesystem::create_directories(folder_);
  CloudStoreOptions options;
  options.path = folder_ + "/cloud.db";
  options.inc = 1;
  auto store = CloudStore::Open(options);
  ASSERT_TRUE(store.has_value()) << store.error().text;
  TwinCommit commit;
  commit.device = "plant";
  model::Event event;
  event.dot = {kDeviceInc, 1};
  event.kind = "restarted";
  event.id = static_cast<model::PropertyId>(7);
  commit.batch.events = {event};
  ASSERT_TRUE((*store)->Commit({&commit, 1}).has_value());
  store->reset();
  StartCloud();
  const json events = Get("/v1/devices/plant/events")["events"];
  ASSERT_EQ(events.size(), 1u);
  EXPECT_FALSE(events[0].contains("path"));
}

TEST_F(DeviceApiTest, ACommandThatCantBeTakenSaysWhy) {
  StartCloud();
  AddPlant();
  const std::string target = "/v1/devices/plant/commands";
  EXPECT_EQ(KeyOf(Post(target, R"({"name":"write","path":"pump/speed","value":9000})")), "value");
  EXPECT_EQ(KeyOf(Post(target, R"({"name":"read","expires_in":0})")), "expires_in");
  EXPECT_EQ(Post("/v1/devices/stranger/commands", R"({"name":"read"})").status, 404);
  EXPECT_EQ(Post(target).status, 415);
  EXPECT_EQ(Get(target)["commands"], json::array());
  for (std::uint64_t i = 0; i < model::CommandLog::kOpenMax; ++i) {
    ASSERT_EQ(Post(target, R"({"name":"read"})").status, 201);
  }
  const TestResponse many = Post(target, R"({"name":"read"})");
  EXPECT_EQ(many.status, 429) << many.body;
  EXPECT_THAT(many.body, HasSubstr("256 commands are open"));
  ASSERT_EQ(Post("/v1/devices/plant/decommission", R"({"confirm":"plant"})").status, 200);
  EXPECT_EQ(Post(target, R"({"name":"read"})").status, 409);
}

}  // namespace
}  // namespace edgetwin::cloud
