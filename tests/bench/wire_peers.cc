// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/wire_peers.h"

#include <mosquitto.h>

#include <cstdio>

#include "floor.pb.h"
#include "tests/bench/measure.h"

namespace edgetwin::bench {
namespace {

constexpr std::uint32_t kSparkplugDouble = 10;  // Its DataType.
constexpr std::uint64_t kSparkplugSeq = 200;    // 0 to 255; most take two bytes.

std::string Number(double value, int decimals) {
  char text[40];
  if (decimals >= 0) {
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
  } else {
    std::snprintf(text, sizeof text, "%.17g", value);
  }
  return text;
}

std::string PropertyName(std::size_t property) {
  char text[24];
  std::snprintf(text, sizeof text, "plant/p%05zu", property);
  return text;
}

std::string NaiveProtobuf(const std::vector<WireValue>& values, bool one_time) {
  FloorDelta plain;
  StampedDelta stamped;
  plain.set_time_ms(values.front().time_ms);
  for (const WireValue& value : values) {
    const auto id = static_cast<std::uint32_t>(value.property);
    plain.add_id(id);
    plain.add_value(value.value);
    stamped.add_id(id);
    stamped.add_value(value.value);
    stamped.add_time_ms(value.time_ms);
  }
  return one_time ? plain.SerializeAsString() : stamped.SerializeAsString();
}

std::string JsonDelta(const std::vector<WireValue>& values, bool one_time, int decimals) {
  std::string text = "{";
  if (one_time) text += "\"t\":" + std::to_string(values.front().time_ms);
  for (const WireValue& value : values) {
    if (text.size() > 1) text += ",";
    text += "\"" + PropertyName(value.property) + "\":";
    const std::string number = Number(value.value, decimals);
    text += one_time ? number : "[" + std::to_string(value.time_ms) + "," + number + "]";
  }
  return text + "}";
}

std::string Sparkplug(const std::vector<WireValue>& values, bool metric_times) {
  SparkplugPayload payload;
  payload.set_timestamp(static_cast<std::uint64_t>(values.back().time_ms));
  payload.set_seq(kSparkplugSeq);
  for (const WireValue& value : values) {
    SparkplugMetric& metric = *payload.add_metrics();
    metric.set_alias(value.property);
    if (metric_times) metric.set_timestamp(static_cast<std::uint64_t>(value.time_ms));
    metric.set_datatype(kSparkplugDouble);
    metric.set_double_value(value.value);
  }
  return payload.SerializeAsString();
}

}  // namespace

std::vector<PeerMessage> PeerMessages(const std::string& device,
                                      const std::vector<WireValue>& values, int decimals,
                                      bool one_time) {
  const std::string topic = "et/" + device + "/u";
  const std::string sparkplug_topic = "spBv1.0/plant/NDATA/" + device;
  std::vector<PeerMessage> messages = {
      {"naive_protobuf_qos1", "naive packed protobuf, QoS 1", topic,
       NaiveProtobuf(values, one_time), 1},
      {"json_qos1", "JSON delta, QoS 1", topic, JsonDelta(values, one_time, decimals), 1},
      {"sparkplug_times", "Sparkplug B data, alias, metric times", sparkplug_topic,
       Sparkplug(values, true), 0},
  };
  // A metric without a time has the payload's.
  if (one_time) {
    messages.push_back({"sparkplug", "Sparkplug B data, alias, no metric times", sparkplug_topic,
                        Sparkplug(values, false), 0});
  }
  return messages;
}

std::size_t PublishThrough(MqttTap& tap, const PeerMessage& message) {
  tap.Take();
  bool published = false;
  mosquitto* link = mosquitto_new("wire-peer", true, &published);
  if (link == nullptr) return 0;
  mosquitto_publish_callback_set(
      link, [](mosquitto*, void* data, int) { *static_cast<bool*>(data) = true; });
  if (mosquitto_connect(link, "127.0.0.1", tap.port(), 60) == MOSQ_ERR_SUCCESS) {
    const double end = NowUs() + 5e6;
    mosquitto_loop(link, 1'000, 1);
    mosquitto_publish(link, nullptr, message.topic.c_str(),
                      static_cast<int>(message.payload.size()), message.payload.data(), message.qos,
                      false);
    // At QoS 1 that is the broker's ack.
    while (!published && NowUs() < end) mosquitto_loop(link, 100, 1);
    mosquitto_disconnect(link);
    // Until the goodbye has passed the tap: what was published before it has, too.
    std::size_t bytes = 0;
    for (bool gone = false; published && !gone && NowUs() < end;) {
      mosquitto_loop(link, 10, 1);
      for (const MqttPacket& packet : tap.Take()) {
        gone |= packet.type == PacketType::kDisconnect;
        const bool counts =
            packet.type == PacketType::kPublish || packet.type == PacketType::kPuback;
        if (counts) bytes += packet.bytes;
      }
    }
    mosquitto_destroy(link);
    return bytes;
  }
  mosquitto_destroy(link);
  return 0;
}

}  // namespace edgetwin::bench
