// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests of the API: a cloud on a loop of its own thread, and frames as a device would send
// them.

#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sync/cloud/cloud_server.h"
#include "sync/codec/codec.h"
#include "sync/link/link.h"
#include "twin/http/testing/test_client.h"
#include "twin/model/twin.h"

namespace edgetwin::cloud {

// Keeps what the cloud sends.
class CapturingLink final : public sync::Link {
 public:
  Status Open(sync::LinkEvents&) override { return {}; }
  Status Send(std::string_view peer, std::span<const std::byte> bytes) override {
    auto frame = sync::Decode(bytes);
    EXPECT_TRUE(frame.has_value());
    frames.emplace_back(std::string(peer), *std::move(frame));
    return {};
  }
  bool drained() const override { return true; }
  void LimitBackoff(std::chrono::milliseconds) override {}
  void Proved() override {}
  void Close() override {}
  sync::LinkStats stats() const override { return {}; }
  std::vector<LimitReport> limits() const override { return {}; }

  std::vector<std::pair<std::string, sync::Frame>> frames;
};

class CloudTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kSession = 77;
  static constexpr std::uint64_t kDeviceInc = 0xdddd;

  void SetUp() override {
    folder_ = testing::TempDir() + "cloud_" + std::to_string(getpid());
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override {
    StopCloud();
    std::filesystem::remove_all(folder_);
  }

  CloudServerOptions Options() const {
    CloudServerOptions options;
    options.store_folder = folder_;
    options.port = 0;
    // Incarnations must differ from one start to the next, and nothing else is drawn in these
    // tests.
    options.random = [](std::uint64_t below) {
      static std::mt19937_64 generator{7};
      return generator() % below;
    };
    return options;
  }
  void StartCloud(CloudServerOptions options) {
    auto server = CloudServer::Start(loop_, std::move(options));
    ASSERT_TRUE(server.has_value()) << server.error().text;
    server_ = *std::move(server);
    server_->fleet().SetLink(&link_);
    port_ = server_->port();
    thread_ = std::thread([this] { loop_.Run(); });
  }
  void StartCloud() { StartCloud(Options()); }
  void StopCloud() {
    if (!thread_.joinable()) return;
    loop_.Post([this] {
      server_->Stop([this](const Status& status) {
        EXPECT_TRUE(status.has_value()) << status.error().text;
        loop_.Stop();
      });
    });
    thread_.join();
    server_.reset();
    // libevent frees a closed connection's buffers in the loop's next turn.
    loop_.RunFor(std::chrono::milliseconds(0));
  }

  // Runs on the cloud's thread and waits for the result.
  template <class F>
  auto On(F&& task) {
    std::promise<decltype(task())> done;
    loop_.Post([&] { done.set_value(task()); });
    return done.get_future().get();
  }
  template <class F>
  bool Eventually(F&& holds) {
    for (int i = 0; i < 2'000; ++i) {
      if (On(holds)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  // --- The device ---

  void Receive(const std::string& device, const sync::Frame& frame) {
    const std::string bytes = sync::Encode(frame);
    On([&] {
      server_->fleet().OnLinkFrame(device, std::as_bytes(std::span(bytes)));
      return true;
    });
  }
  void Hello(const std::string& device) {
    sync::Hello hello;
    hello.session = kSession;
    hello.lineage = {{kDeviceInc, 1, 1'000}};
    hello.software = "test device";
    Receive(device, hello);
    // What comes before the Welcome is not heard.
    ASSERT_TRUE(Eventually([&] {
      return std::any_of(link_.frames.begin(), link_.frames.end(), [&](const auto& sent) {
        return sent.first == device && std::holds_alternative<sync::Welcome>(sent.second);
      });
    }));
  }
  void Tell(const std::string& device, const std::vector<model::PropertyDef>& defs) {
    sync::DictionaryFrame frame;
    frame.session = kSession;
    std::uint64_t chain = 0;
    for (std::size_t i = 0; i < defs.size(); ++i) {
      model::DictionaryEntry entry;
      entry.pid = static_cast<model::Pid>(i + 1);
      entry.def = defs[i];
      entry.chain = chain = model::ChainHash(chain, entry.pid, entry.def);
      frame.entries.push_back(std::move(entry));
    }
    Receive(device, frame);
  }
  void Report(const std::string& device, model::Pid pid, model::Value value, std::uint64_t from,
              std::uint64_t seq) {
    sync::WireRow row;
    row.pid = pid;
    row.row.value = std::move(value);
    row.row.dot.seq = seq;
    row.row.time = WallTime(std::chrono::milliseconds(1'790'000'000'250));
    sync::Delta delta;
    delta.session = kSession;
    delta.from = from;
    delta.to = seq;
    delta.rows = {row};
    Receive(device, delta);
  }
  void SayStatus(const std::string& device, model::Pid pid, model::DesiredState state,
                 model::Dot refers_to, std::uint64_t from, std::uint64_t seq,
                 const std::string& reason = {}) {
    model::ControlInfo info;
    info.state = state;
    info.refers_to = refers_to;
    info.note = reason;
    sync::WireRow row;
    row.pid = pid;
    row.side = model::Side::kStatus;
    row.row.dot.seq = seq;
    row.row.control = std::make_shared<const model::ControlInfo>(info);
    sync::Delta delta;
    delta.session = kSession;
    delta.stream = model::Stream::kControl;
    delta.from = from;
    delta.to = seq;
    delta.rows = {row};
    Receive(device, delta);
  }
  static model::PropertyDef Property(const std::string& path, model::ValueType type,
                                     bool writable = false) {
    model::PropertyDef def;
    def.path = *model::Path::Parse(path);
    def.type = type;
    def.writable = writable;
    return def;
  }
  // A device with a pump and a tank, in session, its values on the cloud's disk.
  void AddPlant(const std::string& device = "plant") {
    Hello(device);
    model::PropertyDef speed = Property("pump/speed", model::ValueType::kDouble, true);
    speed.unit = "1/min";
    speed.min = 0;
    speed.max = 3'000;
    Tell(device, {speed, Property("tank/level", model::ValueType::kDouble),
                  Property("pump/mode", model::ValueType::kInt, true),
                  Property("pump/key", model::ValueType::kBytes, true)});
    Report(device, 1, model::Value(1500.5), 0, 1);
    Report(device, 2, model::Value(80.0), 1, 2);
    ASSERT_TRUE(Eventually([&] {
      const LiveTwin* live = server_->fleet().Loaded(device);
      return live != nullptr && live->session.status().state_durable == 2;
    }));
  }

  // --- The client ---

  nlohmann::json Get(const std::string& target, int status = 200) {
    const http::TestResponse response = http::TestClient(port_).Do("GET", target);
    EXPECT_EQ(response.status, status) << target << ": " << response.body;
    return nlohmann::json::parse(response.body, nullptr, false);
  }
  http::TestResponse Patch(const std::string& target, const std::string& body,
                           const std::string& headers = {}) {
    return http::TestClient(port_).Do(
        "PATCH", target, "Content-Type: application/merge-patch+json\r\n" + headers, body);
  }

  std::string folder_;
  SystemClock clock_;
  EventLoop loop_{clock_};
  CapturingLink link_;
  std::unique_ptr<CloudServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace edgetwin::cloud
