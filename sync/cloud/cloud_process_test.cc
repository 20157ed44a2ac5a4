// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-cloud as its users run it: the program, a real broker, a device's real engine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "sync/codec/codec.h"
#include "sync/engine/edge_engine.h"
#include "sync/link/mqtt_link.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "twin/base/event_loop.h"
#include "twin/http/testing/test_client.h"

namespace edgetwin::cloud {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint64_t Random(std::uint64_t below) {
  static std::mt19937_64 generator{std::random_device()()};
  return generator() % below;
}

// A device with a valve, whose driver does what it is told, and a store that never fails.
class Device final : public sync::LinkEvents {
 public:
  Device(EventLoop& loop, const std::string& broker)
      : loop_(loop), engine_(Options(), twin_, Fresh(), loop.Now(), Wall()) {
    model::PropertyDef def;
    def.path = *model::Path::Parse("valve/position");
    def.type = model::ValueType::kDouble;
    def.writable = true;
    def.max = 100;
    valve_ = *twin_.Define(def);
    engine_.control().Defined(valve_, loop_.Now(), Wall());
    sync::MqttOptions options;
    options.brokers = {*sync::ParseBrokerUrl(broker)};
    options.device = "plant";
    options.client_id = "plant-1";
    options.random = &Random;
    options.will = [this] { return sync::Encode(engine_.Will()); };
    link_ = sync::MakeMqttLink(loop_, std::move(options));
    EXPECT_TRUE(link_->Open(*this).has_value());
    ticker_ = loop_.Every(milliseconds(10), [this] { Step(); });
  }
  ~Device() override {
    loop_.Cancel(ticker_);
    link_->Close();
  }

  void Report(double value) {
    model::Sample sample;
    sample.value = model::Value(value);
    sample.time = Wall();
    twin_.Report(valve_, sample, loop_.Now());
  }
  sync::EdgeStatus status() const { return engine_.status(); }
  double position() const { return position_; }

  void OnLinkUp() override { engine_.LinkUp(loop_.Now()); }
  void OnLinkDown(const Error&) override { engine_.LinkDown(loop_.Now()); }
  void OnLinkFrame(std::string_view, std::span<const std::byte> bytes) override {
    auto frame = sync::Decode(bytes);
    ASSERT_TRUE(frame.has_value()) << frame.error().text;
    engine_.Receive(*std::move(frame), loop_.Now(), Wall());
    Step();
  }

 private:
  static sync::EdgeOptions Options() {
    sync::EdgeOptions options;
    options.random = &Random;
    return options;
  }
  static model::Stored Fresh() {
    model::Stored stored;
    stored.lineage = {{0xd0d0, 1, 1 << 20}};
    return stored;
  }
  WallTime Wall() const { return loop_.clock().UntrustedWall(); }

  void Step() {
    sync::EdgeOutput out;
    engine_.Step(loop_.Now(), Wall(), out);
    if (out.commit) engine_.Committed(out.commit->token, {}, loop_.Now(), Wall());
    for (const sync::Frame& frame : out.frames) {
      const std::string bytes = sync::Encode(frame);
      (void)link_->Send("plant", std::as_bytes(std::span(bytes)));
    }
    for (const model::DriverCall& call : out.calls) {
      if (call.kind == model::DriverCall::Kind::kWrite) {
        position_ = call.value.real();
        engine_.control().WriteDone(call.ticket, call.value, loop_.Now(), Wall());
      } else {
        engine_.control().ReadDone(call.ticket, model::Value(position_), loop_.Now(), Wall());
      }
    }
  }

  EventLoop& loop_;
  model::Twin twin_{model::Role::kDevice};
  sync::EdgeEngine engine_;
  std::unique_ptr<sync::Link> link_;
  Loop::Id ticker_{};
  model::PropertyId valve_{};
  double position_ = 0;
};

class CloudProcessTest : public testing::Test {
 protected:
  std::unique_ptr<tests::Child> Run(const std::vector<std::string>& arguments) {
    tests::ChildOptions options;
    options.args = {std::string(EDGETWIN_BIN_DIR) + "/edgetwin-cloud"};
    options.args.insert(options.args.end(), arguments.begin(), arguments.end());
    options.output_file = folder_.File("log");
    return std::make_unique<tests::Child>(options);
  }
  int ExitOf(const std::vector<std::string>& arguments) {
    return Run(arguments)->Wait(seconds(60)).value_or(-1);
  }
  std::vector<std::string> Arguments(const std::string& broker) const {
    return {"--broker", broker,        "--store",     folder_.File("store"),
            "--listen", "127.0.0.1:0", "--port-file", folder_.File("port")};
  }
  void StartCloud(const std::string& broker) {
    std::filesystem::remove(folder_.File("port"));
    cloud_ = Run(Arguments(broker));
    ASSERT_TRUE(Until([&] { return !tests::ReadFile(folder_.File("port")).empty(); }))
        << tests::ReadFile(folder_.File("log"));
    port_ = static_cast<std::uint16_t>(std::stoi(tests::ReadFile(folder_.File("port"))));
  }
  // Runs the device's loop until it holds.
  template <class F>
  bool Until(F&& holds) {
    for (const MonoTime end = loop_.Now() + seconds(60); loop_.Now() < end;) {
      if (holds()) return true;
      loop_.RunFor(milliseconds(20));
    }
    return false;
  }
  json Get(const std::string& target) {
    return json::parse(http::TestClient(port_).Do("GET", target).body, nullptr, false);
  }
  json Reported() {
    const json property = Get("/v1/twins/plant/properties/valve/position");
    return property.contains("reported") ? property["reported"] : json();
  }

  tests::TempDir folder_;
  SystemClock clock_;
  EventLoop loop_{clock_};
  std::unique_ptr<tests::Child> cloud_;
  std::uint16_t port_ = 0;
};

TEST_F(CloudProcessTest, AValueGoesUpAWishComesDownAndItsStatusComesBack) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  Device device(loop_, broker.url());
  device.Report(12.5);
  ASSERT_TRUE(Until([&] {
    const json reported = Reported();
    return reported.is_object() && reported["value"] == 12.5 && reported["durable"] == true;
  })) << tests::ReadFile(folder_.File("log"));
  const http::TestResponse response = http::TestClient(port_).Do(
      "PATCH", "/v1/twins/plant/desired", "Content-Type: application/merge-patch+json\r\n",
      R"({"valve":{"position":40}})");
  ASSERT_EQ(response.status, 202) << response.body;
  const std::string link = json::parse(response.body)["changed"][0]["status"];
  EXPECT_TRUE(Until([&] { return Get(link)["state"] == "applied"; })) << Get(link).dump();
  EXPECT_EQ(device.position(), 40.0);
  EXPECT_EQ(Get(link)["delivered"], true);

  cloud_->Kill(SIGTERM);
  EXPECT_EQ(cloud_->Wait(seconds(20)), 0) << tests::ReadFile(folder_.File("log"));
}

TEST_F(CloudProcessTest, AKilledCloudGoesOnWhereItWas) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  Device device(loop_, broker.url());
  device.Report(1);
  ASSERT_TRUE(Until([&] { return device.status().state_acked == device.status().state_head; }));
  ASSERT_EQ(http::TestClient(port_)
                .Do("PATCH", "/v1/twins/plant/desired",
                    "Content-Type: application/merge-patch+json\r\n", R"({"valve/position":7})")
                .status,
            202);
  // At once after the promise: the device may not have heard of it yet.
  cloud_->Kill(SIGKILL);
  (void)cloud_->Wait(seconds(20));
  device.Report(2);
  StartCloud(broker.url());
  EXPECT_EQ(Get("/v1/twins/plant/desired"), json({{"valve/position", 7}}));
  EXPECT_TRUE(Until([&] { return device.position() == 7.0; })) << "the promise was not kept";
  ASSERT_TRUE(Until([&] {
    const json reported = Reported();
    return reported.is_object() && reported["value"] == 2.0 && reported["durable"] == true;
  }));
  const json snapshot = Get("/v1/twins/plant/snapshot");
  EXPECT_EQ(snapshot["epoch"]["counter"], 1) << "one lineage, one epoch";
  EXPECT_EQ(snapshot["lineage"].size(), 2u);
}

TEST_F(CloudProcessTest, ExitCodesSayWhatIsWrong) {
  const std::string nowhere = "mqtt://127.0.0.1:9";
  EXPECT_EQ(ExitOf({}), 64);
  EXPECT_EQ(ExitOf({"--help"}), 0);
  EXPECT_EQ(ExitOf({"--broker", "ftp://x", "--store", folder_.File("s")}), 64);
  EXPECT_EQ(ExitOf({"--broker", nowhere, "--store", folder_.File("s"), "--listen", "here"}), 64);
  EXPECT_EQ(ExitOf({"--broker", nowhere, "--store", folder_.File("s"), "--listen", "0.0.0.0:0"}),
            77)
      << "beyond loopback without a token";
  EXPECT_EQ(ExitOf({"--broker", nowhere, "--store", folder_.Write("file", "x"), "--listen",
                    "127.0.0.1:0"}),
            64);
  StartCloud(nowhere);
  EXPECT_EQ(ExitOf(Arguments(nowhere)), 75) << "the store is in use";
  EXPECT_EQ(http::TestClient(port_).Do("GET", "/healthz").status, 200) << "without a broker, too";
}

}  // namespace
}  // namespace edgetwin::cloud
