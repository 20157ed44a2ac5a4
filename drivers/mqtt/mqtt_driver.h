// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hears what others publish at an MQTT broker, and publishes what is to be written; README.md
// describes its options.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/mqtt/channels.h"
#include "drivers/mqtt/connection.h"
#include "drivers/mqtt/mqtt_options.h"
#include "drivers/mqtt/payload_decoder.h"
#include "drivers/mqtt/sparkplug_nodes.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::mqtt_driver {

class MqttDriver final : public driver::Driver, private ConnectionEvents {
 public:
  static constexpr std::size_t kCallsMax = 64;  // Writes under way.

  MqttDriver() = default;
  ~MqttDriver() override { Stop(); }
  MqttDriver(const MqttDriver&) = delete;
  MqttDriver& operator=(const MqttDriver&) = delete;

  bool Init(ConfigReader& config) override;
  // Its client id, where one is configured: a broker throws out the first of two.
  std::string exclusive() const override;
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  void Stop() override;
  // The outcome is what the property's topic says of it afterwards: at once when that is `value`,
  // else the last that was heard until write_timeout. Without a topic it is what the broker took.
  Status Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) override;

  // The broker, the topics, Sparkplug's nodes.
  std::vector<driver::PartStatus> parts() const override;
  std::vector<LimitReport> limits() const override;

 private:
  struct Part {  // A source.
    std::string failing;
    std::string last_error;
  };
  struct Call {
    std::size_t channel = 0;
    std::string topic;  // For people.
    bool retain = false;
    model::Value value;
    std::optional<int> number;          // Of its message, until that is acknowledged.
    std::optional<model::Value> heard;  // Since it was sent.
    driver::WriteDone done;
    Loop::Id timer = Loop::Id::kNone;
  };

  void OnUp() override;
  void OnDown(const Error& why) override;
  void OnMessage(std::string_view topic, std::string_view payload, bool retained) override;
  void OnAcknowledged(int number, int reason) override;

  // Each returns false when the sink has stopped the driver.
  bool OnPlain(std::size_t source, const Captures& captures, std::string_view payload,
               bool retained);
  bool OnSparkplug(const SparkplugTopic& topic, std::string_view bytes);
  bool OnNews(std::size_t source, const Captures& captures, const NodeNews& news,
              const Payload& payload);
  bool OnReading(std::size_t source, std::size_t channel, const Reading& reading,
                 const Payload& payload, bool doubtful, Status& status);
  bool OnNodeTrouble(const SparkplugTopic& topic, const NodeNews& news);
  bool Told(std::size_t source, MonoTime begun, const Status& status);
  bool Took(std::size_t channel, const model::Value& value);

  bool ReadsNode(std::string_view node) const;
  bool WantsRebirth(std::string_view node) const;
  void AskForRebirth(std::string_view node);
  Status Publish(const Channels::Channel& channel, Call& call);
  Status PublishCommand(const Channels::Channel& channel, Call& call);
  void OnCallDeadline(std::uint64_t id);
  void EndCall(std::uint64_t id, Result<model::Value> result);
  std::uint64_t UnixMs() const;

  MqttOptions options_;
  std::unique_ptr<mqtt::Traffic> traffic_;
  std::unique_ptr<Limit> message_limit_;
  std::vector<PayloadDecoder> decoders_;  // Of the sources; Sparkplug's have none to speak of.
  std::vector<Part> parts_;
  std::unique_ptr<Channels> channels_;
  std::unique_ptr<SparkplugNodes> nodes_;
  Limit calls_limit_{kCallsMax};
  std::uint64_t foreign_ = 0;             // Messages of no source.
  std::uint64_t retained_ = 0;            // Retained ones, where these aren't wanted.
  std::uint64_t historical_ignored_ = 0;  // Older than what is known.
  PayloadLimits payload_limits_;          // Of Sparkplug.
  std::uint64_t data_sets_refused_ = 0;   // Too long.

  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  std::uint64_t generation_ = 0;  // Of Start and Stop.
  ConnectionOptions connection_options_;
  std::unique_ptr<Connection> connection_;
  std::string broker_failing_;
  std::string broker_error_;
  std::map<std::uint64_t, Call> calls_;  // By age.
  std::uint64_t last_call_ = 0;
};

driver::DriverKind MqttKind();

}  // namespace edgetwin::mqtt_driver
