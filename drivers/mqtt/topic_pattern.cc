// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/topic_pattern.h"

#include <algorithm>

#include "drivers/sdk/extract/value.h"
#include "twin/base/utf8.h"
#include "twin/model/path.h"

namespace edgetwin::mqtt_driver {
namespace {

using extract::Shown;

// The first level of `rest`, which is taken off it; nothing is left after the last.
std::string_view TakeLevel(std::optional<std::string_view>& rest) {
  const std::size_t slash = rest->find('/');
  const std::string_view level = rest->substr(0, slash);
  if (slash == std::string_view::npos) {
    rest.reset();
  } else {
    rest->remove_prefix(slash + 1);
  }
  return level;
}

bool IsName(std::string_view level) {
  return level.size() > 2 && level.front() == '{' && level.back() == '}' &&
         std::ranges::all_of(level.substr(1, level.size() - 2), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

Status CheckText(std::string_view text) {
  if (text.empty()) return Invalid("must not be empty");
  if (text.size() > kTopicBytesMax) {
    return Invalid("is longer than " + std::to_string(kTopicBytesMax) + " bytes");
  }
  const bool has_control =
      std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (has_control || Utf8ValidBytes(text) != text.size()) {
    return Invalid(Shown(text) + " is not UTF-8 without control characters");
  }
  return {};
}

}  // namespace

Result<TopicPattern> TopicPattern::Parse(std::string_view text) {
  if (Status fine = CheckText(text); !fine) return fine.error();
  TopicPattern pattern;
  std::optional<std::string_view> rest = text;
  while (rest) {
    const std::string level(TakeLevel(rest));
    if (!pattern.levels_.empty()) pattern.filter_ += '/';
    if (IsName(level)) {
      const std::string name = level.substr(1, level.size() - 2);
      if (std::ranges::count(pattern.names_, name) > 0) {
        return Invalid(Shown(text) + " has the name " + Shown(name) + " twice");
      }
      pattern.names_.push_back(name);
      pattern.filter_ += '+';
    } else if (level.find_first_of("{}") != level.npos) {
      return Invalid(Shown(text) + " has " + Shown(level) +
                     "; a name is a whole level, of a-z, 0-9 and '_': {room}");
    } else if (level != "+" && level.find('+') != level.npos) {
      return Invalid(Shown(text) + " has '+' in " + Shown(level) + "; it stands for a whole level");
    } else if (level.find('#') != level.npos && (level != "#" || rest)) {
      return Invalid(Shown(text) + " has '#' elsewhere than as its last level");
    } else {
      pattern.filter_ += level;
    }
    pattern.levels_.push_back(level);
  }
  return pattern;
}

bool TopicPattern::exact() const {
  return names_.empty() && filter_.find_first_of("+#") == filter_.npos;
}

std::optional<Captures> TopicPattern::Captured(std::string_view topic) const {
  // Wildcards in front don't match the broker's own topics: 4.7.2.
  if (topic.starts_with('$') && filter_.find_first_of("+#") == 0) return {};
  Captures captures;
  std::optional<std::string_view> rest = topic;
  for (const std::string& own : levels_) {
    if (own == "#") return captures;  // Also for the level above it: 4.7.1.2.
    if (!rest) return {};
    const std::string_view level = TakeLevel(rest);
    if (IsName(own)) {
      if (!model::CheckSegment(level)) return {};
      captures.emplace_back(level);
    } else if (own != "+" && own != level) {
      return {};
    }
  }
  if (rest) return {};
  return captures;
}

Result<std::vector<std::string>> NamesIn(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = text.find_first_of("{}"); at != text.npos;
       at = text.find_first_of("{}", at)) {
    const std::size_t end = text.find_first_of("{}", at + 1);
    if (text[at] != '{' || end == text.npos || text[end] != '}') {
      return Invalid(Shown(text) + " has a brace without its other");
    }
    names.emplace_back(text.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return names;
}

std::string Expanded(std::string_view text, const std::vector<std::string>& names,
                     const Captures& captures) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t open = text.find('{'); open != text.npos; open = text.find('{', at)) {
    const std::size_t close = text.find('}', open);
    result += text.substr(at, open - at);
    const auto name = std::ranges::find(names, text.substr(open + 1, close - open - 1));
    result += captures.at(static_cast<std::size_t>(name - names.begin()));
    at = close + 1;
  }
  return result += text.substr(at);
}

Status CheckTopic(std::string_view topic) {
  if (Status fine = CheckText(topic); !fine) return fine;
  if (topic.find_first_of("+#") != topic.npos) {
    return Invalid(Shown(topic) + " has a wildcard; messages go to one topic");
  }
  return {};
}

}  // namespace edgetwin::mqtt_driver
