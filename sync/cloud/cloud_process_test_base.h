// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests of edgetwin-cloud as its users run it: the program, a real broker, a device's real
// engine.

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sync/codec/codec.h"
#include "sync/engine/edge_engine.h"
#include "sync/link/mqtt_link.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "twin/base/event_loop.h"
#include "twin/http/testing/test_client.h"

namespace edgetwin::cloud {

inline std::uint64_t Random(std::uint64_t below) {
  static std::mt19937_64 generator{std::random_device()()};
  return generator() % below;
}

// A device with a valve, whose driver does what it is told, and a store that never fails.
class Device final : public sync::LinkEvents {
 public:
  // `inc`: of its store, which is empty.
  Device(EventLoop& loop, const std::string& broker, std::uint64_t inc = 0xd0d0,
         const std::string& hardware = {})
      : loop_(loop), engine_(Options(hardware), twin_, Fresh(inc), loop.Now(), Wall()) {
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
    options.client_id = "plant-" + std::to_string(inc);
    options.random = &Random;
    options.will = [this] { return sync::Encode(engine_.Will()); };
    link_ = sync::MakeMqttLink(loop_, std::move(options));
    EXPECT_TRUE(link_->Open(*this).has_value());
    ticker_ = loop_.Every(std::chrono::milliseconds(10), [this] { Step(); });
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
  // As an orderly stop does: the cloud needs no time to notice.
  void SayBye() {
    const std::string bytes = sync::Encode(engine_.Will());
    EXPECT_TRUE(link_->Send("plant", std::as_bytes(std::span(bytes))).has_value());
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
  static sync::EdgeOptions Options(const std::string& hardware) {
    sync::EdgeOptions options;
    options.hardware = hardware;
    options.random = &Random;
    return options;
  }
  static model::Stored Fresh(std::uint64_t inc) {
    model::Stored stored;
    stored.lineage = {{inc, 1, 1 << 20}};
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
        engine_.WriteDone(call.ticket, call.value, loop_.Now(), Wall());
      } else {
        engine_.ReadDone(call.ticket, model::Value(position_), loop_.Now(), Wall());
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
    return Run(arguments)->Wait(std::chrono::seconds(60)).value_or(-1);
  }
  std::vector<std::string> Arguments(const std::string& broker) const {
    return {"--broker", broker,        "--store",     folder_.File("store"),
            "--listen", "127.0.0.1:0", "--port-file", folder_.File("port")};
  }
  void StartCloud(const std::string& broker) { StartCloudWith(Arguments(broker)); }
  void StartCloudWith(const std::vector<std::string>& arguments) {
    std::filesystem::remove(folder_.File("port"));
    cloud_ = Run(arguments);
    ASSERT_TRUE(Until([&] { return !tests::ReadFile(folder_.File("port")).empty(); }))
        << tests::ReadFile(folder_.File("log"));
    port_ = static_cast<std::uint16_t>(std::stoi(tests::ReadFile(folder_.File("port"))));
  }
  // Runs the device's loop until it holds.
  template <class F>
  bool Until(F&& holds) {
    for (const MonoTime end = loop_.Now() + std::chrono::seconds(60); loop_.Now() < end;) {
      if (holds()) return true;
      loop_.RunFor(std::chrono::milliseconds(20));
    }
    return false;
  }
  nlohmann::json Get(const std::string& target) {
    return nlohmann::json::parse(http::TestClient(port_).Do("GET", target).body, nullptr, false);
  }
  nlohmann::json Reported() {
    const nlohmann::json property = Get("/v1/twins/plant/properties/valve/position");
    return property.contains("reported") ? property["reported"] : nlohmann::json();
  }

  tests::TempDir folder_;
  SystemClock clock_;
  EventLoop loop_{clock_};
  std::unique_ptr<tests::Child> cloud_;
  std::uint16_t port_ = 0;
};

}  // namespace edgetwin::cloud
