// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/link/topic.h"

#include <algorithm>

#include "sync/link/mqtt_link.h"

namespace edgetwin::sync {
namespace {

constexpr std::string_view kPrefix = "et/";
constexpr std::string_view kShortPrefix = "e/";
constexpr std::size_t kShortAddressBytesMax = 8;

bool IsIdCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

bool IsShortAddress(std::string_view address) {
  return !address.empty() && address.size() <= kShortAddressBytesMax &&
         std::ranges::all_of(address, [](char c) { return c != '.' && IsIdCharacter(c); });
}

std::string ShortTopic(std::string_view address) {
  return std::string(kShortPrefix).append(address);
}

bool IsDeviceId(std::string_view id) {
  return !id.empty() && id.size() <= kDeviceIdBytesMax && id[0] != '.' && id[0] != '-' &&
         std::ranges::all_of(id, IsIdCharacter);
}

Status CheckDeviceId(std::string_view id) {
  if (IsDeviceId(id)) return {};
  return Invalid("device id \"" + std::string(id) + "\" is not 1 to " +
                 std::to_string(kDeviceIdBytesMax) +
                 " letters, digits, '.', '_' or '-' that begin with a letter, digit or '_'");
}

void FormatTopic(std::string_view device, Direction direction, std::string& topic) {
  topic.assign(kPrefix);
  topic.append(device);
  topic.push_back('/');
  topic.push_back(static_cast<char>(direction));
}

std::string Topic(std::string_view device, Direction direction) {
  std::string result;
  FormatTopic(device, direction, result);
  return result;
}

std::optional<std::string_view> DeviceOfTopic(std::string_view topic, Direction direction) {
  if (topic.size() < kPrefix.size() + 3 || !topic.starts_with(kPrefix)) return std::nullopt;
  if (topic.back() != static_cast<char>(direction)) return std::nullopt;
  if (topic[topic.size() - 2] != '/') return std::nullopt;
  const std::string_view device = topic.substr(kPrefix.size(), topic.size() - kPrefix.size() - 2);
  const bool everybody = direction == Direction::kDown && device == kEveryDevice;
  if (!everybody && !IsDeviceId(device)) return std::nullopt;
  return device;
}

}  // namespace edgetwin::sync
