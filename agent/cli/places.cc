// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/places.h"

#include <filesystem>

#include "agent/config/agent_config.h"
#include "agent/config/file_text.h"
#include "agent/config/toml_loader.h"

namespace edgetwin::cli {
namespace {

std::string Text(const ConfigNode& root, std::string_view table, std::string_view key) {
  const ConfigNode* node = root.Find(table);
  if (node != nullptr) node = node->Find(key);
  const auto* text = node == nullptr ? nullptr : std::get_if<std::string>(&node->value);
  return text == nullptr ? std::string() : *text;
}

}  // namespace

Outcome<Places> FindPlaces(const std::string& config, bool named) {
  if (named) {
    const auto readable = config::ReadFileText(config, config::kFileBytesMax);
    if (!readable) return Fail(Exit::kConfig, config + ": " + readable.error().text);
  }
  ConfigProblems ignored;
  const ConfigNode root = config::LoadToml(config, ignored).root;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(config, error);
  const std::string directory =
      (error ? std::filesystem::path(config) : absolute).parent_path().string();
  const auto path = [&](std::string_view table, std::string_view key,
                        const std::string& otherwise) {
    const std::string text = Text(root, table, key);
    return text.empty() ? otherwise : config::ResolvePath(directory, text);
  };
  Places places;
  places.socket = path("api", "socket", config::ApiConfig{}.socket);
  places.store = path("store", "directory", config::StoreConfig{}.directory);
  places.history = path("history", "directory", places.store);
  places.device = Text(root, "device", "id");
  places.description = Text(root, "device", "description");
  if (places.device.empty()) places.device = config::DefaultDeviceId().value_or("");
  return places;
}

}  // namespace edgetwin::cli
