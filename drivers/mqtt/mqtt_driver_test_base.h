// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests that run the driver against a real mosquitto, with a peer in a device's place.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/mqtt/mqtt_driver.h"
#include "drivers/mqtt/testing/peer.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "tests/support/broker.h"
#include "twin/base/event_loop.h"

namespace edgetwin::mqtt_driver {

class MqttDriverTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{60};

  ~MqttDriverTest() override {
    driver_->Stop();
    sink_.Revoke();
    peer_.reset();
    loop_.RunFor(std::chrono::milliseconds(1));
  }

  // With the broker's line before `options`, once the peer is connected; until the driver is.
  void Start(const std::string& options) {
    ASSERT_TRUE(Until([&] { return peer().up(); }));
    StartAlone("broker = \"" + broker().url() + "\"\nbackoff_max = \"100ms\"\n" + options);
    ASSERT_TRUE(Until([&] { return Part("broker").state == "ok"; }));
  }
  void StartAlone(const std::string& options) {
    const auto node = driver::testing::ParseOptions(options);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.t", problems);
    ASSERT_TRUE(driver_->Init(config)) << problems.ToString();
    config.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
  }

  tests::TestBroker& broker() {
    if (!broker_) broker_ = std::make_unique<tests::TestBroker>(broker_options_);
    return *broker_;
  }
  Peer& peer() {
    if (!peer_) peer_ = std::make_unique<Peer>(loop_, broker().url(), peer_subscriptions_);
    return *peer_;
  }

  template <class Holds>
  bool Until(Holds holds) {
    const MonoTime end = clock_.Now() + kPatience;
    while (!holds()) {
      if (clock_.Now() > end) return false;
      loop_.RunFor(std::chrono::milliseconds(2));
    }
    return true;
  }
  bool Is(std::string_view path, const model::Value& value,
          model::Quality quality = model::Quality::kGood) {
    return sink_.Has(path) && sink_.Last(path).quality == quality &&
           sink_.Last(path).value == value;
  }
  bool UntilIs(std::string_view path, const model::Value& value,
               model::Quality quality = model::Quality::kGood) {
    return Until([&] { return Is(path, value, quality); });
  }
  bool UntilBad(std::string_view path) {
    return Until(
        [&] { return sink_.Has(path) && sink_.Last(path).quality == model::Quality::kBad; });
  }
  // The first failure that was told of `part`.
  std::optional<Error> FailureOf(std::string_view part) {
    std::optional<Error> error;
    EXPECT_TRUE(Until([&] {
      for (const auto& poll : sink_.polls()) {
        if (poll.part == part && !poll.result) error = poll.result.error();
      }
      return error.has_value();
    }));
    return error;
  }

  Result<model::Value> Write(std::string_view path, const model::Value& value) {
    std::optional<Result<model::Value>> result;
    const Status begun = driver_->Write(sink_.IdOf(path), value,
                                        [&](Result<model::Value> got) { result = std::move(got); });
    if (!begun) return begun.error();
    EXPECT_FALSE(result) << "answered while it was asked";
    EXPECT_TRUE(Until([&] { return result.has_value(); }));
    return result.value_or(Corrupt("the test waited in vain"));
  }
  driver::PartStatus Part(std::string_view name) {
    for (driver::PartStatus& part : driver_->parts()) {
      if (part.name == name) return part;
    }
    return {};
  }
  LimitReport LimitOf(std::string_view name) {
    for (LimitReport& limit : driver_->limits()) {
      if (limit.name == name) return limit;
    }
    ADD_FAILURE() << "no limit " << name;
    return {};
  }

  tests::BrokerOptions broker_options_;
  std::vector<std::string> peer_subscriptions_ = {"cmd/#"};
  SystemClock clock_;
  EventLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  std::unique_ptr<MqttDriver> driver_ = std::make_unique<MqttDriver>();
  std::unique_ptr<tests::TestBroker> broker_;
  std::unique_ptr<Peer> peer_;
};

}  // namespace edgetwin::mqtt_driver
