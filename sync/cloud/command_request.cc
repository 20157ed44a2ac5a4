// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/command_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sync/cloud/json_body.h"

namespace edgetwin::cloud {
namespace {

using model::Command;
using nlohmann::json;

using Refusal = tl::unexpected<CommandRefusal>;

constexpr std::array<std::string_view, 5> kKeys = {"name", "path", "value", "expires_in", "id"};

Refusal Refuse(std::string key, std::string detail) {
  return Refusal(CommandRefusal{std::move(key), std::move(detail)});
}

// A program's word: what is told to devices and shown in terminals.
bool IsName(std::string_view text) {
  if (text.empty() || text.size() > model::kCommandNameBytesMax) return false;
  for (const char c : text) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!fits) return false;
  }
  return true;
}

tl::expected<model::Value, CommandRefusal> ReadValue(const json& node, const Command& command,
                                                     const model::Twin& twin) {
  auto object = node.is_object() ? ReadObjectValue(node) : std::nullopt;
  auto value = object ? Result<model::Value>(*std::move(object)) : ReadScalarValue(node);
  if (!value) return Refuse("value", value.error().text);
  const model::PropertyId id = twin.Find(command.path);
  if (id == model::kNoProperty || !twin.defined(id)) return *std::move(value);
  *value = FitType(twin.def(id).type, *std::move(value));
  if (command.name != "write") return *std::move(value);
  // Nobody should wait for a device to hear what is known here.
  const Status fits = model::CheckWritable(twin.def(id), *value);
  if (!fits) return Refuse("value", fits.error().text);
  return *std::move(value);
}

}  // namespace

std::optional<std::uint64_t> ParseCommandId(std::string_view text) {
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  if (text.size() != 16 || std::from_chars(text.data(), end, id, 16).ptr != end || id == 0) {
    return std::nullopt;
  }
  return id;
}

tl::expected<Command, CommandRefusal> ReadCommand(std::string_view body, const model::Twin& twin,
                                                  WallTime now) {
  const auto document = ReadJsonObject(body, "a command");
  if (!document) return Refuse({}, document.error().text);
  for (const auto& [key, node] : document->items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      return Refuse(
          key, "a command has no member '" + key + "'; name, path, value, expires_in and id are");
    }
  }
  const auto member = [&](const char* key) -> const json* {
    const auto found = document->find(key);
    return found == document->end() ? nullptr : &*found;
  };
  Command command;
  const json* name = member("name");
  if (name == nullptr || !name->is_string() || !IsName(name->get_ref<const std::string&>())) {
    return Refuse("name", "name is a text of 1 to " + std::to_string(model::kCommandNameBytesMax) +
                              " letters a-z, digits and '_', as in \"write\"");
  }
  command.name = name->get<std::string>();
  if (const json* path = member("path"); path != nullptr) {
    if (!path->is_string()) return Refuse("path", "path is a text, as in \"valve/position\"");
    command.path = path->get<std::string>();
    if (auto parsed = model::Path::Parse(command.path); !parsed) {
      return Refuse("path", parsed.error().text);
    }
  }
  if (const json* value = member("value"); value != nullptr) {
    auto read = ReadValue(*value, command, twin);
    if (!read) return tl::unexpected(std::move(read.error()));
    command.value = *std::move(read);
  }
  if (command.value.none() && command.name == "write") {
    return Refuse("value", "what is to be written is missing");
  }
  std::int64_t seconds = kCommandTime.count();
  if (const json* expires = member("expires_in"); expires != nullptr) {
    seconds = expires->is_number_integer() ? expires->get<std::int64_t>() : 0;
    if (seconds < 1 || seconds > kCommandTimeMax.count()) {
      return Refuse("expires_in", "expires_in is 1 to " + std::to_string(kCommandTimeMax.count()) +
                                      " whole seconds, not " + expires->dump());
    }
  }
  command.expires = now + std::chrono::seconds(seconds);
  if (const json* id = member("id"); id != nullptr) {
    const auto parsed = id->is_string() ? ParseCommandId(id->get_ref<const std::string&>())
                                        : std::optional<std::uint64_t>();
    if (!parsed) return Refuse("id", "id is a text of 16 hexadecimal digits, not all 0");
    command.id = *parsed;
  }
  return command;
}

bool IsSameCommand(const Command& known, const Command& again) {
  if (known.name != again.name || known.path != again.path) return false;
  // The answer's value has taken the place of what was asked for.
  return known.state != model::CommandState::kOpen || known.value == again.value;
}

}  // namespace edgetwin::cloud
