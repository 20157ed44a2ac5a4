// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/profile.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "agent/config/file_or_credential.h"
#include "agent/config/file_text.h"
#include "agent/config/toml_loader.h"
#include "twin/model/path.h"

namespace edgetwin::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameBytesMax = 64;
constexpr std::string_view kEnding = ".toml";

const std::string* TextOf(const ConfigNode* node) {
  return node == nullptr ? nullptr : std::get_if<std::string>(&node->value);
}

// What a register is known by.
const std::string* NameOf(const ConfigNode& table) {
  return TextOf(table.Find("name"));
}

bool IsTables(const ConfigNode& node) {
  return node.array() != nullptr && !node.array()->empty() &&
         std::all_of(node.array()->begin(), node.array()->end(),
                     [](const ConfigNode& element) { return element.table() != nullptr; });
}

bool IsName(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= kNameBytesMax && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), allowed);
}

std::size_t CountTables(const ConfigNode& node) {
  std::size_t count = 0;
  if (node.table() == nullptr) return count;
  for (const auto& [key, value] : *node.table()) {
    if (IsTables(value)) count += value.array()->size();
  }
  return count;
}

// The keys of a profile that are about itself.
bool IsAboutProfile(std::string_view key) {
  return key == "kind" || key == "description" || key == "source";
}

// The keys of a table that are about the profile it names.
bool IsAboutNaming(std::string_view key) {
  return key == "profile" || key == "only" || key == "except";
}

// Which of a profile's named tables are taken.
class Selection {
 public:
  Selection(const ConfigNode& table, const std::string& key, ConfigProblems& problems)
      : only_(Read(table, key, "only", problems)), except_(Read(table, key, "except", problems)) {}

  bool Takes(const std::string& name) {
    const bool wanted = only_.empty() || Match(only_, name);
    return wanted & !Match(except_, name);  // Both are asked: each pattern has to find something.
  }

  // Patterns that were never of use are mistyped.
  bool Check(const std::string& profile, ConfigProblems& problems) const {
    bool good = good_;
    for (const auto* patterns : {&only_, &except_}) {
      for (const Pattern& pattern : *patterns) {
        if (pattern.matched) continue;
        const std::string nearest = Nearest(pattern.text, names_);
        problems.Add(pattern.source, pattern.key,
                     "\"" + pattern.text + "\" is the name of nothing in " + profile +
                         (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
        good = false;
      }
    }
    return good;
  }

 private:
  struct Pattern {
    std::string text;
    ConfigSource source;
    std::string key;
    bool matched = false;
  };

  std::vector<Pattern> Read(const ConfigNode& table, const std::string& key, std::string_view which,
                            ConfigProblems& problems) {
    std::vector<Pattern> patterns;
    ConfigReader reader(table, key, problems);
    const std::size_t before = problems.count();
    reader.Strings(which);
    good_ = good_ && problems.count() == before;
    const ConfigNode* node = table.Find(which);
    if (!good_ || node == nullptr) return patterns;
    for (const ConfigNode& element : *node->array()) {
      patterns.push_back({*TextOf(&element), element.source,
                          DottedKey(key, which) + "[" + std::to_string(patterns.size()) + "]"});
    }
    return patterns;
  }

  bool Match(std::vector<Pattern>& patterns, const std::string& name) {
    bool any = false;
    for (Pattern& pattern : patterns) {
      if (!model::Matches(pattern.text, name)) continue;
      pattern.matched = any = true;
    }
    names_.push_back(name);
    return any;
  }

  bool good_ = true;
  std::vector<Pattern> only_;
  std::vector<Pattern> except_;
  std::vector<std::string> names_;
};

// `own`'s keys over those of `element`.
void Overlay(ConfigNode& element, const ConfigNode& own) {
  auto& members = std::get<ConfigNode::Table>(element.value);
  for (const auto& [key, value] : *own.table()) {
    const auto there =
        std::find_if(members.begin(), members.end(),
                     [&name = key](const auto& member) { return member.first == name; });
    if (there == members.end()) {
      members.emplace_back(key, value);
    } else {
      there->second = value;
    }
  }
}

// A profile's named tables with what `own`, if any, says of them; then those of `own` that the
// profile doesn't have.
ConfigNode::Array Join(const ConfigNode::Array& profile, const ConfigNode::Array& own,
                       Selection& selection) {
  std::map<std::string_view, const ConfigNode*> said;
  for (const ConfigNode& table : own) {
    if (const std::string* name = NameOf(table)) said.emplace(*name, &table);
  }
  ConfigNode::Array joined;
  std::set<const ConfigNode*> used;
  for (const ConfigNode& table : profile) {
    const std::string* name = NameOf(table);
    const auto over = name == nullptr ? said.end() : said.find(*name);
    const bool taken = name == nullptr || selection.Takes(*name);
    if (!taken && over == said.end()) continue;
    joined.push_back(table);
    if (over == said.end()) continue;
    Overlay(joined.back(), *over->second);
    used.insert(over->second);
  }
  for (const ConfigNode& table : own) {
    if (!used.contains(&table)) joined.push_back(table);
  }
  return joined;
}

class Expander {
 public:
  Expander(const ProfilePlaces& places, ConfigProblems& problems)
      : places_(places), problems_(problems) {}

  void ExpandInstance(const std::string& name, ConfigNode& instance) {
    const std::string* said = TextOf(instance.Find("kind"));
    const std::string key = DottedKey("drivers", name);
    const std::string kind = said != nullptr ? *said : name;
    bool whole = Expand(instance, key, kind);
    for (auto& [member, value] : std::get<ConfigNode::Table>(instance.value)) {
      if (!IsTables(value)) continue;
      auto& tables = std::get<ConfigNode::Array>(value.value);
      for (std::size_t i = 0; i < tables.size(); ++i) {
        const std::string place = DottedKey(key, member) + "[" + std::to_string(i) + "]";
        whole = Expand(tables[i], place, kind) && whole;
      }
    }
    if (!whole) result_.incomplete.insert(name);
  }

  ExpandedProfiles Take() { return std::move(result_); }

 private:
  // False when something is missing for a problem.
  bool Expand(ConfigNode& table, const std::string& key, const std::string& kind) {
    const ConfigNode* named = table.Find("profile");
    if (named == nullptr) return true;
    const ConfigSource source = named->source;
    const std::string place = DottedKey(key, "profile");
    const std::string* text = TextOf(named);
    if (text == nullptr) {
      ConfigReader(table, key, problems_).String("profile", {});  // Says so.
      return false;
    }
    const std::string name = *text;
    const ConfigNode* profile = Load(name, source, place);
    if (profile == nullptr) return false;
    const std::string* profile_kind = TextOf(profile->Find("kind"));
    if (profile_kind != nullptr && *profile_kind != kind) {
      problems_.Add(source, place,
                    "\"" + name + "\" is for drivers of kind " + *profile_kind + ", not " + kind);
      return false;
    }
    tables_ += CountTables(*profile);
    if (tables_ > kProfileTablesMax) {
      problems_.Add(
          source, place,
          "makes all profiles together more than " + std::to_string(kProfileTablesMax) + " tables");
      return false;
    }
    return ApplyProfile(table, *profile, key, name, problems_);
  }

  // Null, with a problem, when there is no such profile or it is none.
  const ConfigNode* Load(const std::string& name, const ConfigSource& source,
                         const std::string& key) {
    const std::optional<std::string> file = Find(name, source, key);
    if (!file) return nullptr;
    if (const auto there = loaded_.find(*file); there != loaded_.end()) {
      return there->second ? &*there->second : nullptr;
    }
    if (loaded_.size() >= kProfilesMax) {
      problems_.Add(source, key, "is one profile more than " + std::to_string(kProfilesMax));
      return nullptr;
    }
    result_.files.push_back(*file);
    std::optional<ConfigNode>& profile = loaded_[*file];
    const Result<std::string> text = ReadFileText(*file, kFileBytesMax);
    if (!text) problems_.Add(source, key, *file + " " + text.error().text);
    if (text) profile = ParseToml(*text, *file, problems_);
    if (profile && !Check(*profile, *file)) profile.reset();
    return profile ? &*profile : nullptr;
  }

  // What a profile says about itself.
  bool Check(ConfigNode& profile, const std::string& file) {
    profile.source = {file, 0};
    const std::size_t before = problems_.count();
    ConfigReader reader(profile, {}, problems_);
    reader.Require("kind");
    reader.String("kind", {});
    reader.Require("description");
    reader.String("description", {});
    reader.String("source", {});
    reader.Refuse("profile", "a profile names no other");
    for (const char* key : {"only", "except"}) {
      reader.Refuse(key, "stands where the profile is named");
    }
    return problems_.count() == before;
  }

  std::optional<std::string> Find(const std::string& name, const ConfigSource& source,
                                  const std::string& key) {
    if (name.find('/') != name.npos) return ResolvePath(places_.base, name);
    if (!IsName(name)) {
      problems_.Add(source, key, "'" + name + "' is neither a profile's name nor a path");
      return {};
    }
    std::vector<std::string> known;
    for (const std::string& directory : places_.directories) {
      std::error_code error;
      const fs::path file = fs::path(directory) / (name + std::string(kEnding));
      if (fs::exists(file, error)) return file.string();
      fs::directory_iterator entries(directory, error);
      for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
        if (entries->path().extension() == kEnding) known.push_back(entries->path().stem());
      }
    }
    std::sort(known.begin(), known.end());
    std::string places;
    for (const std::string& directory : places_.directories) {
      places += (places.empty() ? "" : ", ") + directory;
    }
    const std::string nearest = Nearest(name, known);
    problems_.Add(source, key,
                  "there is no profile \"" + name + "\" in " + places +
                      (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
    return {};
  }

  const ProfilePlaces& places_;
  ConfigProblems& problems_;
  ExpandedProfiles result_;
  std::map<std::string, std::optional<ConfigNode>> loaded_;  // By file; nothing where it is none.
  std::size_t tables_ = 0;
};

}  // namespace

ProfilePlaces DefaultProfilePlaces(const std::string& directory) {
  ProfilePlaces places{directory, {ResolvePath(directory, "profiles")}};
  for (const char* other : {"/etc/edgetwin/profiles", "/usr/local/share/edgetwin/profiles",
                            "/usr/share/edgetwin/profiles"}) {
    if (places.directories.front() != other) places.directories.push_back(other);
  }
  return places;
}

bool ApplyProfile(ConfigNode& table, const ConfigNode& profile, const std::string& key,
                  const std::string& name, ConfigProblems& problems) {
  Selection selection(table, key, problems);
  ConfigNode::Table result;
  for (auto& [own_key, value] : std::get<ConfigNode::Table>(table.value)) {
    if (!IsAboutNaming(own_key)) result.emplace_back(own_key, std::move(value));
  }
  for (const auto& [profile_key, value] : *profile.table()) {
    if (IsAboutProfile(profile_key) || IsAboutNaming(profile_key)) continue;
    const auto own = std::find_if(result.begin(), result.end(),
                                  [&, k = profile_key](const auto& m) { return m.first == k; });
    const bool there = own != result.end();
    if (IsTables(value) && (!there || IsTables(own->second))) {
      ConfigNode joined{
          Join(*value.array(), there ? *own->second.array() : ConfigNode::Array(), selection),
          value.source};
      if (there) {
        own->second = std::move(joined);
      } else {
        result.emplace_back(profile_key, std::move(joined));
      }
    } else if (!there) {
      result.emplace_back(profile_key, value);
    }
  }
  table.value = std::move(result);
  return selection.Check("profile \"" + name + "\"", problems);
}

ExpandedProfiles ExpandProfiles(ConfigNode& drivers, const ProfilePlaces& places,
                                ConfigProblems& problems) {
  Expander expander(places, problems);
  if (drivers.table() != nullptr) {
    for (auto& [name, instance] : std::get<ConfigNode::Table>(drivers.value)) {
      if (instance.table() != nullptr) expander.ExpandInstance(name, instance);
    }
  }
  return expander.Take();
}

}  // namespace edgetwin::config
