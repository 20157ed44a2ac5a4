// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/wire_explain.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

namespace edgetwin::bench {
namespace {

std::optional<std::uint64_t> Varint(std::string_view bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return {};
}

// Names for people; a field that is missing here is shown by its number.
std::string NameOf(std::uint64_t field) {
  static const std::map<std::uint64_t, std::string> kNames = {
      {1, "session"},      {2, "to"},
      {3, "ack"},          {4, "ack_held_ms"},
      {5, "pid"},          {6, "time"},
      {7, "numbers"},      {8, "shape"},
      {9, "side"},         {10, "ack_control"},
      {11, "pid_steps"},   {12, "texts"},
      {13, "reals"},       {14, "skipped"},
      {15, "refer"},       {16, "hello"},
      {17, "welcome"},     {18, "nack"},
      {19, "dictionary"},  {20, "bye"},
      {21, "ack_events"},  {23, "ack_dictionary"},
      {24, "pid_runs"},    {25, "time_steps"},
      {26, "time_runs"},   {27, "seq_gaps"},
      {28, "seq_runs"},    {29, "shape_runs"},
      {30, "side_runs"},   {31, "flags"},
      {32, "flag_runs"},   {34, "incs"},
      {36, "refer_steps"}, {37, "refer_runs"},
      {38, "refer_incs"},  {40, "state"},
      {42, "notes"},       {43, "note_runs"},
      {44, "untils"},      {46, "ack_scope"},
      {48, "digest"},      {50, "events"},
      {51, "commands"},    {58, "ack_verified"},
      {59, "history"},     {60, "history_ack"},
      {61, "history_ask"}, {62, "history_held"}};
  const auto found = kNames.find(field);
  return found == kNames.end() ? "field " + std::to_string(field) : found->second;
}

std::string TypeName(PacketType type) {
  switch (type) {
    case PacketType::kConnect: return "CONNECT";
    case PacketType::kConnack: return "CONNACK";
    case PacketType::kPublish: return "PUBLISH";
    case PacketType::kPuback: return "PUBACK";
    case PacketType::kSubscribe: return "SUBSCRIBE";
    case PacketType::kSuback: return "SUBACK";
    case PacketType::kPingreq: return "PINGREQ";
    case PacketType::kPingresp: return "PINGRESP";
    case PacketType::kDisconnect: return "DISCONNECT";
  }
  return "packet type " + std::to_string(static_cast<int>(type));
}

}  // namespace

std::vector<std::pair<std::string, std::size_t>> FieldsOf(std::string_view message) {
  std::vector<std::pair<std::string, std::size_t>> fields;
  std::size_t at = 0;
  while (at < message.size()) {
    const std::size_t begin = at;
    const auto tag = Varint(message, at);
    if (!tag) return {{"?", message.size()}};
    std::optional<std::uint64_t> skip = 0;
    switch (*tag & 7) {
      case 0: skip = Varint(message, at) ? skip : std::nullopt; break;
      case 1: skip = 8; break;
      case 2: skip = Varint(message, at); break;
      case 5: skip = 4; break;
      default: skip.reset();
    }
    if (!skip || *skip > message.size() - at) return {{"?", message.size()}};
    at += *skip;
    fields.emplace_back(NameOf(*tag >> 3), at - begin);
  }
  return fields;
}

bool HasField(std::string_view message, std::string_view name) {
  return std::ranges::any_of(FieldsOf(message),
                             [&](const auto& field) { return field.first == name; });
}

std::string Explain(const MqttPacket& packet) {
  std::string text = (packet.up ? "up   " : "down ") + std::to_string(packet.bytes) + ": ";
  if (packet.type != PacketType::kPublish) return text + TypeName(packet.type);
  text += "header " + std::to_string(packet.header_bytes - packet.topic.size()) + ", topic " +
          std::to_string(packet.topic.size());
  for (const auto& [name, bytes] : FieldsOf(packet.payload)) {
    text += ", " + name + " " + std::to_string(bytes);
  }
  return text;
}

}  // namespace edgetwin::bench
