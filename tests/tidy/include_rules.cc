// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <set>
#include <span>

#include "tests/tidy/rules.h"

namespace edgetwin::tidy {
namespace {

// One row of "who may include whom": a folder, and the folders it may include besides itself.
// "drivers/*" is any one driver. What has no row may include nothing, so a new folder needs a
// decision here first.
struct Layer {
  std::string_view folder;
  std::vector<std::string_view> may_include;
};

const std::vector<Layer>& Layers() {
  static const std::vector<Layer> kLayers = {
      {"twin/base", {}},
      {"twin/model", {"twin/base"}},
      {"twin/store", {"twin/model", "twin/base"}},
      {"twin/history", {"twin/store", "twin/model", "twin/base"}},
      {"twin/http", {"twin/base"}},
      {"twin/mqtt", {"twin/base"}},
      {"drivers/sdk", {"twin/model", "twin/base"}},
      {"drivers/mqtt",
       {"drivers/sdk", "twin/mqtt", "twin/model", "twin/base", "proto/sparkplug.pb.h"}},
      {"drivers/*", {"drivers/sdk", "twin/model", "twin/base"}},
      {"sync/engine", {"twin/model", "twin/base"}},
      {"sync/codec", {"sync/engine", "twin/model", "twin/base", "proto"}},
      {"sync/carry", {"sync/engine", "sync/codec", "twin", "proto"}},
      {"sync/crash", {"twin/base"}},
      {"sync/link", {"twin/mqtt", "twin/base"}},
      {"sync/cloud",
       {"sync/crash", "sync/engine", "sync/codec", "sync/carry", "sync/link", "twin"}},
      {"agent",
       {"sync/crash", "sync/engine", "sync/codec", "sync/carry", "sync/link", "drivers", "twin"}},
  };
  return kLayers;
}

// A library's headers, and where alone they may be seen.
struct Restricted {
  std::vector<std::string_view> headers;  // What the include begins with.
  std::vector<std::string_view> allowed;  // Folders or files.
  bool in_tests = false;                  // Also in any test.
};

const std::vector<Restricted>& RestrictedHeaders() {
  static const std::vector<Restricted> kRestricted = {
      {{"sqlite3"}, {"twin/store"}, true},
      {{"zlib"}, {"tests/bench", "twin/history"}},
      {{"zstd"}, {"twin/base"}, true},
      {{"mosquitto", "mqtt_protocol"}, {"twin/mqtt", "tests/bench"}},
      {{"CLI/"},
       {"agent/cli", "agent/daemon", "sync/cloud/main.cc", "sync/cloud/cli", "tests/bench",
        "tests/demo", "tests/sim/main.cc"}},
      {{"curl/"}, {"agent/cli", "drivers/http", "sync/cloud/cli"}, true},
      {{"event2/", "event.h"}, {"twin/base", "twin/http"}},
      {{"toml++/", "toml.hpp"}, {"agent/config"}},
      {{"gpiod"}, {"drivers/gpio", "tests/bench"}},
      {{"modbus"}, {"drivers/modbus"}, true},
      {{"net-snmp/"}, {"drivers/snmp"}, true},
      {{"nlohmann/"}, {"agent", "drivers/exec", "drivers/sdk/extract", "sync/cloud"}, true},
      {{"re2/"}, {"drivers/sdk/extract"}},
      {{"systemd/"}, {"twin/base/log.cc", "agent/config", "agent/daemon", "sync/cloud"}},
      {{"google/protobuf/"}, {"drivers/mqtt", "sync/codec"}, true},
  };
  return kRestricted;
}

bool IsUnderAny(std::string_view path, std::span<const std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return IsUnder(path, prefix); });
}

// The project's folder that an include reaches into, with generated headers as "proto/…"; empty for
// everybody else's headers.
std::string ProjectTarget(std::string_view target) {
  static constexpr std::string_view kRoots[] = {"twin",  "drivers", "sync",
                                                "agent", "tests",   "proto"};
  if (target.ends_with(".pb.h")) return "proto/" + std::string(target);
  return target.find('/') != std::string_view::npos && IsUnderAny(target, kRoots)
             ? std::string(target)
             : std::string();
}

const Layer* LayerOf(std::string_view path) {
  for (const Layer& layer : Layers()) {
    if (layer.folder.ends_with("/*")
            ? IsUnder(path, layer.folder.substr(0, layer.folder.size() - 2))
            : IsUnder(path, layer.folder)) {
      return &layer;
    }
  }
  return nullptr;
}

// "drivers/host" of "drivers/host/proc.cc" for the row "drivers/*"; else the row's folder.
std::string_view OwnFolder(const Layer& layer, std::string_view path) {
  if (!layer.folder.ends_with('*')) return layer.folder;
  return path.substr(0, path.find('/', layer.folder.size() - 1));
}

}  // namespace

Findings CheckLayers(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (file.is_test()) continue;
    for (const Include& include : file.includes()) {
      const std::string target = ProjectTarget(include.target);
      if (target.empty()) continue;
      const Layer* layer = LayerOf(file.path);
      if (layer == nullptr) {
        findings.push_back(
            {file.path, include.line, "this folder has no row in tests/tidy/include_rules.cc"});
      } else if (IsTestPath(target)) {
        findings.push_back({file.path, include.line,
                            "includes " + include.target + ", but tests are for tests only"});
      } else if (!IsUnder(target, OwnFolder(*layer, file.path)) &&
                 !IsUnderAny(target, layer->may_include)) {
        findings.push_back({file.path, include.line,
                            std::string(layer->folder) + " may not include " + include.target});
      }
    }
  }
  return findings;
}

Findings CheckRestrictedHeaders(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const Include& include : file.includes()) {
      for (const Restricted& rule : RestrictedHeaders()) {
        const bool is_meant = std::any_of(
            rule.headers.begin(), rule.headers.end(),
            [&](std::string_view header) { return include.target.starts_with(header); });
        if (!is_meant || (rule.in_tests && file.is_test()) || IsUnderAny(file.path, rule.allowed)) {
          continue;
        }
        std::string text = include.target + " may be seen only in";
        for (const std::string_view allowed : rule.allowed) text += " " + std::string(allowed);
        findings.push_back({file.path, include.line, text});
      }
    }
  }
  return findings;
}

Findings CheckRelativeIncludes(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (const Include& include : file.includes()) {
      if (include.target.find("..") != std::string::npos) {
        findings.push_back({file.path, include.line, "includes are named from the project's root"});
      }
    }
  }
  return findings;
}

Findings CheckHeadersAreIncluded(const Tree& tree) {
  std::set<std::string> included;
  for (const SourceFile& file : tree) {
    const std::string folder = file.path.substr(0, file.path.rfind('/') + 1);
    for (const Include& include : file.includes()) {
      if (include.target != file.path) included.insert(include.target);
      // As the example does, which is built elsewhere.
      if (include.target.find('/') == std::string::npos) included.insert(folder + include.target);
    }
  }
  Findings findings;
  for (const SourceFile& file : tree) {
    if (file.is_header() && !included.contains(file.path)) {
      findings.push_back({file.path, 0, "nobody includes this header"});
    }
  }
  return findings;
}

}  // namespace edgetwin::tidy
