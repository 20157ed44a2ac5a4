// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "sync/cloud/cloud_test_base.h"

namespace edgetwin::cloud {
namespace {

using http::TestClient;
using http::TestResponse;
using model::DesiredState;
using nlohmann::json;
using testing::HasSubstr;

using ApiTest = CloudTest;

TEST_F(ApiTest, ShowsATwinWithItsDefinitionsAndValues) {
  StartCloud();
  AddPlant();
  const json twin = Get("/v1/twins/plant");
  EXPECT_EQ(twin["id"], "plant");
  EXPECT_EQ(twin["connected"], true);
  EXPECT_EQ(twin["software"], "test device");
  EXPECT_EQ(twin["revision"], json({{"reported", 2}, {"control", 0}, {"desired", 0}}));
  const json& speed = twin["properties"]["pump/speed"];
  EXPECT_EQ(speed["type"], "double");
  EXPECT_EQ(speed["unit"], "1/min");
  EXPECT_EQ(speed["max"], 3000);
  EXPECT_EQ(speed["reported"], json({{"value", 1500.5},
                                     {"quality", "good"},
                                     {"time", "2026-09-21T14:13:20.250Z"},
                                     {"dot", {{"inc", "000000000000dddd"}, {"seq", 1}}},
                                     {"durable", true}}));
  EXPECT_EQ(Get("/v1/twins/plant/properties/pump/speed"), speed);
  EXPECT_EQ(Get("/v1/twins/plant/properties/tank")["properties"].size(), 1u);
  EXPECT_EQ(Get("/v1/twins/plant?path=pump/*")["properties"].size(), 3u);
  EXPECT_EQ(Get("/v1/twins/plant/properties/nothing", 404)["status"], 404);
  EXPECT_EQ(Get("/v1/twins/stranger", 404)["code"], "not_found");
}

TEST_F(ApiTest, ListsTwinsInPages) {
  StartCloud();
  for (const char* device : {"c", "a", "b"}) Hello(device);
  json page = Get("/v1/twins?limit=2");
  ASSERT_EQ(page["twins"].size(), 2u);
  EXPECT_EQ(page["twins"][0]["id"], "a");
  EXPECT_EQ(page["next"], "/v1/twins?limit=2&after=b");
  page = Get(page["next"]);
  ASSERT_EQ(page["twins"].size(), 1u);
  EXPECT_EQ(page["twins"][0]["id"], "c");
  EXPECT_FALSE(page.contains("next"));
  for (const char* bad : {"0", "1001", "x", "", "-1", "1x"}) {
    Get(std::string("/v1/twins?limit=") + bad, 400);
  }
}

TEST_F(ApiTest, AnEtagSaysWhetherADocumentChanged) {
  StartCloud();
  AddPlant();
  TestClient client(port_);
  const std::string tag = client.Do("GET", "/v1/twins/plant").headers["etag"];
  TestResponse same =
      client.Do("GET", "/v1/twins/plant", "If-None-Match: \"x\", W/" + tag + "\r\n");
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.headers["etag"], tag);
  Report("plant", 2, model::Value(81.0), 2, 3);
  EXPECT_EQ(client.Do("GET", "/v1/twins/plant", "If-None-Match: " + tag + "\r\n").status, 200);
}

TEST_F(ApiTest, APatchIsAnsweredWhenItIsDurable) {
  StartCloud();
  AddPlant();
  const TestResponse response =
      Patch("/v1/twins/plant/desired", R"({"pump":{"speed":1200,"mode":2.0}})");
  ASSERT_EQ(response.status, 202) << response.body;
  const json body = json::parse(response.body);
  EXPECT_EQ(body["desired"], json({{"pump/speed", 1200}, {"pump/mode", 2}}));
  EXPECT_EQ(body["changed"].size(), 2u);
  EXPECT_EQ(body["changed"][1]["status"], "/v1/twins/plant/status/pump/speed");
  EXPECT_EQ(Get(body["changed"][1]["status"])["state"], "pending");
  // As the store has it, without the process that promised it.
  StopCloud();
  StartCloud();
  EXPECT_EQ(Get("/v1/twins/plant/desired"), body["desired"]);
  EXPECT_EQ(Get("/v1/twins/plant")["properties"]["pump/speed"]["desired"]["value"], 1200.0);
  EXPECT_EQ(Get("/v1/twins/plant")["properties"]["pump/mode"]["desired"]["who"], "api");
}

TEST_F(ApiTest, AnEarlierCommitsEndIsNoPromise) {
  StartCloud();
  AddPlant();
  std::promise<bool> durable;
  On([&] {
    Fleet& fleet = server_->fleet();
    // Two changes at once: the first one's commit is out when the second one is made.
    const model::PropertyId speed = fleet.Loaded("plant")->twin.Find("pump/speed");
    fleet.SetDesired("plant", {{speed, model::Value(1.0), {}}}, "first", [](const Status&) {});
    fleet.SetDesired("plant", {{speed, model::Value(2.0), {}}}, "second", [&](const Status&) {
      durable.set_value(fleet.Loaded("plant")->session.Durable(2));
    });
    return true;
  });
  EXPECT_TRUE(durable.get_future().get());
}

TEST_F(ApiTest, AFullDiskIsToldAndGotOver) {
  StartCloud();
  AddPlant();
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit full = before;
  full.rlim_cur = std::filesystem::file_size(folder_ + "/cloud.db-wal");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const TestResponse refused = Patch("/v1/twins/plant/desired", R"({"pump/speed":1})");
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_TRUE(Eventually([&] { return server_->fleet().Loaded("plant")->session.Durable(1); }))
      << "room came back, and the wish was not stored";
  EXPECT_EQ(Get("/v1/twins/plant/desired"), json({{"pump/speed", 1}}));
}

TEST_F(ApiTest, NullWithdrawsAWishAndEverythingBelow) {
  StartCloud();
  AddPlant();
  ASSERT_EQ(
      Patch("/v1/twins/plant/desired", R"({"pump/speed":1,"pump/mode":2,"new/x":true})").status,
      202);
  EXPECT_EQ(Patch("/v1/twins/plant/desired", R"({"pump":{"speed":null}})").status, 202);
  EXPECT_EQ(Get("/v1/twins/plant/desired"), json({{"pump/mode", 2}, {"new/x", true}}));
  EXPECT_EQ(Get("/v1/twins/plant/status/pump/speed")["state"], "none");
  EXPECT_EQ(Patch("/v1/twins/plant/desired", R"({"pump":null,"tank":null})").status, 202);
  EXPECT_EQ(Get("/v1/twins/plant/desired"), json({{"new/x", true}}));
  const TestResponse nothing = Patch("/v1/twins/plant/desired", R"({"pump":null,"a/b":null})");
  EXPECT_EQ(nothing.status, 200) << "nothing had to be stored";
  EXPECT_EQ(json::parse(nothing.body)["changed"], json::array());
}

TEST_F(ApiTest, AStalePreconditionChangesNothing) {
  StartCloud();
  AddPlant();
  TestClient client(port_);
  const std::string before = client.Do("GET", "/v1/twins/plant/desired").headers["etag"];
  const TestResponse first =
      Patch("/v1/twins/plant/desired", R"({"pump/speed":1})", "If-Match: " + before + "\r\n");
  ASSERT_EQ(first.status, 202);
  const TestResponse stale =
      Patch("/v1/twins/plant/desired", R"({"pump/speed":2})", "If-Match: " + before + "\r\n");
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.headers.at("etag"), first.headers.at("etag"));
  EXPECT_EQ(Patch("/v1/twins/plant/desired", R"({"pump/speed":3})",
                  "If-Match: W/" + first.headers.at("etag") + "\r\n")
                .status,
            412)
      << "a weak tag never matches";
  const TestResponse conflict = Patch("/v1/twins/plant/desired", R"({"pump/speed":2})",
                                      "Edgetwin-If-Revision: pump/mode=0, pump/speed=9\r\n");
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(json::parse(conflict.body)["conflicts"],
            json::parse(R"([{"path":"pump/speed","expected":9,"revision":1}])"));
  EXPECT_EQ(Get("/v1/twins/plant/desired"), json({{"pump/speed", 1}}));
  EXPECT_EQ(Patch("/v1/twins/plant/desired", R"({"pump/speed":2})",
                  "Edgetwin-If-Revision: pump/speed=1\r\n")
                .status,
            202);
  EXPECT_EQ(Patch("/v1/twins/plant/desired", "{}", "Edgetwin-If-Revision: pump/speed\r\n").status,
            400);
}

TEST_F(ApiTest, ABadPatchNamesEveryProblemAndChangesNothing) {
  StartCloud();
  AddPlant();
  const TestResponse response =
      Patch("/v1/twins/plant/desired",
            R"({"pump/speed":9000,"tank/level":1,"pump":{"mode":"fast"},"a b/c":1,"ok/x":1})");
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
  std::vector<std::string> paths;
  const json body = json::parse(response.body);
  for (const json& problem : body["problems"]) {
    paths.push_back(problem["path"]);
  }
  EXPECT_THAT(paths,
              testing::UnorderedElementsAre("pump/speed", "tank/level", "pump/mode", "a b/c"));
  EXPECT_EQ(Get("/v1/twins/plant/desired"), json::object());
  EXPECT_EQ(Patch("/v1/twins/plant/desired", "{").status, 400);
  EXPECT_EQ(Patch("/v1/twins/plant/desired", "[]").status, 400);
  EXPECT_EQ(Patch("/v1/twins/stranger/desired", "{}").status, 404);
  EXPECT_EQ(Patch("/v1/twins/plant/desired?valid_for=30", "{}").status, 400);
  const TestResponse type = TestClient(port_).Do("PATCH", "/v1/twins/plant/desired",
                                                 "Content-Type: application/json\r\n", "{}");
  EXPECT_EQ(type.status, 415);
  EXPECT_EQ(type.headers.at("accept-patch"), "application/merge-patch+json");
}

TEST_F(ApiTest, AWishReachesTheDeviceWithItsEndAndAuthor) {
  StartCloud();
  AddPlant();
  ASSERT_EQ(Patch("/v1/twins/plant/desired?valid_for=30m", R"({"pump/speed":1200,"other/y":1})",
                  "From: kim@example.org\r\n")
                .status,
            202);
  const auto sent = On([&] {
    // By pid: what the device doesn't acknowledge is sent again after a while.
    std::map<model::Pid, sync::WireRow> rows;
    for (const auto& [peer, frame] : link_.frames) {
      const auto* delta = std::get_if<sync::Delta>(&frame);
      if (delta == nullptr) continue;
      for (const sync::WireRow& row : delta->rows) rows[row.pid] = row;
    }
    return rows;
  });
  ASSERT_EQ(sent.size(), 2u);
  const sync::WireRow& speed = sent.at(1);
  const sync::WireRow& other = sent.at(0);
  EXPECT_TRUE(speed.row.value == model::Value(1200.0)) << "an int became a double";
  EXPECT_EQ(speed.row.info().note, "kim@example.org");
  // The two were taken one after the other.
  const auto valid = speed.row.info().until - speed.row.time;
  EXPECT_LE(valid, std::chrono::minutes(30));
  EXPECT_GT(valid, std::chrono::minutes(29));
  EXPECT_EQ(other.path, "other/y") << "the device has no pid for it";
}

TEST_F(ApiTest, StatusFollowsWhatTheDeviceSaysOfTheNewestWish) {
  StartCloud();
  AddPlant();
  Patch("/v1/twins/plant/desired", R"({"pump/speed":1})");
  const json dot = Get("/v1/twins/plant/status/pump/speed")["desired"]["dot"];
  const model::Dot first{std::stoull(dot["inc"].get<std::string>(), nullptr, 16), dot["seq"]};
  SayStatus("plant", 1, DesiredState::kRejected, first, 0, 5, "pump is locked");
  json status = Get("/v1/twins/plant/status/pump/speed");
  EXPECT_EQ(status["state"], "rejected");
  EXPECT_EQ(status["status"]["reason"], "pump is locked");
  EXPECT_EQ(status["status"]["refers_to"], dot);
  Patch("/v1/twins/plant/desired", R"({"pump/speed":2})");
  status = Get("/v1/twins/plant/status")["pump/speed"];
  EXPECT_EQ(status["state"], "pending") << "what was said of an earlier wish says nothing of this";
  EXPECT_EQ(status["status"]["state"], "rejected");
  Get("/v1/twins/plant/status/tank/level", 404);
}

TEST_F(ApiTest, StatusSaysWhichWishWasSuperseded) {
  StartCloud();
  AddPlant();
  Patch("/v1/twins/plant/desired", R"({"pump/speed":1})");
  const json first = Get("/v1/twins/plant/status/pump/speed")["desired"]["dot"];
  Patch("/v1/twins/plant/desired", R"({"pump/speed":2})");
  json status = Get("/v1/twins/plant/status/pump/speed");
  EXPECT_FALSE(status.contains("superseded")) << "a frame had it: the device will say";
  SayStatus("plant", 1, DesiredState::kSuperseded,
            {std::stoull(first["inc"].get<std::string>(), nullptr, 16), first["seq"]}, 0, 5,
            "newer");
  status = Get("/v1/twins/plant/status/pump/speed");
  EXPECT_EQ(status["state"], "pending");
  EXPECT_EQ(status["status"]["state"], "superseded");
  EXPECT_EQ(status["status"]["refers_to"], first);
  // The device is away: what is replaced now, it never gets.
  Receive("plant", sync::Bye{kSession});
  ASSERT_TRUE(Eventually([&] { return !server_->fleet().Loaded("plant")->session.connected(); }));
  Patch("/v1/twins/plant/desired", R"({"pump/speed":3})");
  const json third = Get("/v1/twins/plant/status/pump/speed")["desired"]["dot"];
  Patch("/v1/twins/plant/desired", R"({"pump/speed":4})");
  status = Get("/v1/twins/plant/status/pump/speed");
  EXPECT_EQ(status["superseded"]["dot"], third);
  EXPECT_EQ(status["superseded"]["value"], 3.0);
}

TEST_F(ApiTest, ASnapshotHasEveryRowAndDot) {
  StartCloud();
  AddPlant();
  Patch("/v1/twins/plant/desired", R"({"pump/speed":1})");
  Patch("/v1/twins/plant/desired", R"({"pump/speed":null})");
  const json snapshot = Get("/v1/twins/plant/snapshot");
  EXPECT_EQ(snapshot["watermarks"], json({{"control", 0}, {"state", 2}}));
  EXPECT_EQ(snapshot["dictionary"], 4);
  ASSERT_EQ(snapshot["rows"].size(), 3u);
  EXPECT_EQ(snapshot["rows"][1]["side"], "desired");
  EXPECT_EQ(snapshot["rows"][1]["value"], nullptr) << "tombstones are rows, too";
  EXPECT_EQ(snapshot["rows"][1]["dot"]["seq"], 2);
  EXPECT_EQ(snapshot["lineage"].size(), 1u);
}

TEST_F(ApiTest, BytesAndOddDoublesKeepTheirForm) {
  StartCloud();
  AddPlant();
  EXPECT_EQ(Patch("/v1/twins/plant/desired", R"({"pump/key":{"base64":"AP8="}})").status, 202);
  EXPECT_EQ(Get("/v1/twins/plant/desired")["pump/key"], json({{"base64", "AP8="}}));
  EXPECT_EQ(Patch("/v1/twins/plant/desired", R"({"pump/key":"text"})").status, 422);
  Report("plant", 2, model::Value(std::numeric_limits<double>::infinity()), 2, 3);
  EXPECT_EQ(Get("/v1/twins/plant/properties/tank/level")["reported"]["value"],
            json({{"double", "inf"}}));
}

TEST_F(ApiTest, EventsShowChangesAndResumeAfterTheLastOneSeen) {
  StartCloud();
  AddPlant();
  AddPlant("other");
  TestClient all(port_), one(port_);
  all.Send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  one.Send("GET /v1/twins/other/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(all.ReadTo("event: ready\ndata: {}\n\n"), HasSubstr("id: "));
  one.ReadTo("event: ready\ndata: {}\n\n");
  Report("plant", 2, model::Value(81.0), 2, 3);
  const std::string event = all.ReadTo("\n\n");
  EXPECT_THAT(
      event,
      HasSubstr(R"("twin":"plant","changes":[{"path":"tank/level","side":"reported","value":81,)"));
  EXPECT_THAT(all.ReadTo("\n\n"), HasSubstr("event: durable"));
  Report("other", 2, model::Value(82.0), 2, 3);
  EXPECT_THAT(one.ReadTo("\n\n"), HasSubstr(R"("twin":"other","changes")")) << "not plant's";

  std::string id = event.substr(event.find("id: ") + 4);
  id = id.substr(0, id.find('\n'));
  TestClient resumed(port_);
  resumed.Send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: " + id + "\r\n\r\n");
  EXPECT_THAT(resumed.ReadTo("\n\n"), HasSubstr(R"("twin":"other","changes")"))
      << "what came after it";
  TestClient lost(port_);
  lost.Send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0123-4\r\n\r\n");
  lost.ReadTo("\r\n\r\n");
  EXPECT_THAT(lost.ReadTo("\n\n"), HasSubstr("event: reset"));
  EXPECT_EQ(TestClient(port_).Do("GET", "/v1/twins/stranger/events").status, 404);
}

TEST_F(ApiTest, WhoComesBackTooLateIsToldToReadAgain) {
  CloudServerOptions options = Options();
  options.changes_remembered_max = 2;
  StartCloud(options);
  AddPlant();
  TestClient client(port_);
  client.Send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string id = client.ReadTo("event: ready");
  id = id.substr(id.find("id: ") + 4);
  id = id.substr(0, id.find('\n'));
  for (std::uint64_t seq = 3; seq < 8; ++seq) {
    Report("plant", 2, model::Value(1.0 * static_cast<double>(seq)), seq - 1, seq);
  }
  TestClient late(port_);
  late.Send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: " + id + "\r\n\r\n");
  late.ReadTo("\r\n\r\n");
  EXPECT_THAT(late.ReadTo("\n\n"), HasSubstr("event: reset"));
}

TEST_F(ApiTest, WithoutATokenOnlyThisMachineAndNoWebPageIsServed) {
  StartCloud();
  TestClient client(port_);
  const std::string page = "Origin: http://evil.example\r\n";
  EXPECT_EQ(client.Do("GET", "/v1/twins", page).status, 403);
  EXPECT_EQ(client.Do("GET", "/v1/twins", "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(client.Do("GET", "/v1/twins", "Origin: http://127.0.0.1\r\n").status, 200);
  client.Send("GET /v1/twins HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  EXPECT_EQ(client.Read().status, 421);
  EXPECT_EQ(client.Do("GET", "/healthz", page).status, 200);
}

TEST_F(ApiTest, WithATokenEveryRequestNeedsIt) {
  CloudServerOptions options = Options();
  options.token = "0123456789abcdef";
  StartCloud(options);
  TestClient client(port_);
  TestResponse refused = client.Do("GET", "/v1/twins");
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.headers["www-authenticate"], HasSubstr("Bearer"));
  for (const char* wrong : {"Bearer 0123456789abcdeX", "Bearer 0123456789abcde", "Bearer ",
                            "Basic 0123456789abcdef", "Bearer 0123456789abcdef0123456789abcdef"}) {
    EXPECT_EQ(client.Do("GET", "/v1/twins", std::string("Authorization: ") + wrong + "\r\n").status,
              401)
        << wrong;
  }
  EXPECT_EQ(client.Do("GET", "/v1/twins", "Authorization: Bearer 0123456789abcdef\r\n").status,
            200);
  EXPECT_EQ(client.Do("GET", "/metrics").status, 401);
  EXPECT_EQ(client.Do("GET", "/healthz").status, 200);
}

TEST_F(ApiTest, ItDoesNotListenForOthersWithoutAToken) {
  CloudServerOptions options = Options();
  options.address = "0.0.0.0";
  const auto refused = CloudServer::Start(loop_, options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
}

TEST_F(ApiTest, CountsWhatItDoes) {
  StartCloud();
  AddPlant();
  const std::string text = TestClient(port_).Do("GET", "/metrics").body;
  EXPECT_THAT(text, HasSubstr("\nedgetwin_cloud_twins 1\n"));
  EXPECT_THAT(text, HasSubstr("\nedgetwin_cloud_twins_connected 1\n"));
  EXPECT_THAT(text, HasSubstr("edgetwin_cloud_limit_max{name=\"connections\"} 64\n"));
}

TEST_F(ApiTest, OnlyAHelloMakesATwin) {
  StartCloud();
  Report("stranger", 1, model::Value(1.0), 0, 1);
  Receive("bad id!", sync::Bye{1});
  EXPECT_EQ(Get("/v1/twins")["twins"].size(), 0u);
  const auto frames = On([&] { return link_.frames; });
  ASSERT_EQ(frames.size(), 1u);
  const auto* nack = std::get_if<sync::Nack>(&frames[0].second);
  ASSERT_NE(nack, nullptr);
  EXPECT_EQ(nack->reason, sync::NackReason::kUnknownSession);
  EXPECT_EQ(nack->cursors.session, kSession);
}

TEST_F(ApiTest, UnusedTwinsLeaveMemoryAndComeBack) {
  CloudServerOptions options = Options();
  options.fleet.twins_loaded_max = 1;
  options.fleet.idle_before_unload = std::chrono::milliseconds(20);
  StartCloud(options);
  AddPlant("a");
  AddPlant("b");
  Receive("a", sync::Bye{kSession});
  ASSERT_TRUE(Eventually([&] { return server_->fleet().Loaded("a") == nullptr; }));
  EXPECT_NE(On([&] { return server_->fleet().Loaded("b"); }), nullptr) << "it is in session";
  EXPECT_EQ(Get("/v1/twins/a")["properties"]["pump/speed"]["reported"]["value"], 1500.5);
}

}  // namespace
}  // namespace edgetwin::cloud
