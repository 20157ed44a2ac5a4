// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/path.h"

#include <algorithm>

namespace edgetwin::model {
namespace {

bool IsSegmentCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

bool MatchesFrom(std::string_view pattern, std::string_view path) {
  while (!pattern.empty()) {
    if (pattern.starts_with("**")) {
      const std::string_view rest = pattern.substr(2);
      for (std::size_t skip = 0; skip <= path.size(); ++skip) {
        if (MatchesFrom(rest, path.substr(skip))) return true;
      }
      return false;
    }
    if (pattern.front() == '*') {
      const std::string_view rest = pattern.substr(1);
      for (std::size_t skip = 0; skip <= path.size(); ++skip) {
        if (MatchesFrom(rest, path.substr(skip))) return true;
        if (skip < path.size() && path[skip] == '/') return false;
      }
      return false;
    }
    if (path.empty()) return false;
    const bool one = pattern.front() == '?' ? path.front() != '/' : pattern.front() == path.front();
    if (!one) return false;
    pattern.remove_prefix(1);
    path.remove_prefix(1);
  }
  return path.empty();
}

}  // namespace

Status CheckSegment(std::string_view text) {
  if (text.empty()) return Invalid("a name must not be empty");
  if (text == "." || text == "..") return Invalid("a name must not be '.' or '..'");
  for (const char c : text) {
    if (IsSegmentCharacter(c)) continue;
    return Invalid("'" + std::string(text) + "' has a character other than A-Z a-z 0-9 _ . -");
  }
  return {};
}

std::string ToSegment(std::string_view text, std::size_t bytes_max) {
  std::string result(text.substr(0, bytes_max));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return !IsSegmentCharacter(c); }, '_');
  if (result.empty() || result == "." || result == "..") result = "_";
  return result;
}

Result<Path> Path::Parse(std::string_view text) {
  if (text.size() > kPathBytesMax) {
    return Invalid("a path of " + std::to_string(text.size()) + " bytes is longer than " +
                   std::to_string(kPathBytesMax));
  }
  std::size_t segments = 0;
  for (std::size_t begin = 0; begin <= text.size(); ++segments) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    if (const Status ok = CheckSegment(text.substr(begin, end - begin)); !ok) {
      return Invalid("path '" + std::string(text) + "': " + ok.error().text);
    }
    begin = end + 1;
  }
  if (segments < 2) return Invalid("path '" + std::string(text) + "' is not thing/property");
  if (segments > kPathSegmentsMax) {
    return Invalid("path '" + std::string(text) + "' has more than " +
                   std::to_string(kPathSegmentsMax) + " segments");
  }
  Path path;
  path.text_ = text;
  return path;
}

std::string_view Path::thing() const {
  const std::string_view all = text_;
  const std::size_t slash = all.rfind('/');
  return slash == all.npos ? std::string_view() : all.substr(0, slash);
}

std::string_view Path::property() const {
  const std::string_view all = text_;
  return all.substr(all.rfind('/') + 1);
}

bool Matches(std::string_view pattern, std::string_view path) {
  if (pattern.find_first_of("*?") == pattern.npos) {
    return path == pattern || (path.starts_with(pattern) && path.size() > pattern.size() &&
                               path[pattern.size()] == '/');
  }
  return MatchesFrom(pattern, path);
}

bool ValidPattern(std::string_view pattern) {
  if (pattern.size() > kPathBytesMax) return false;
  if (pattern == "**") return true;
  std::size_t segments = 0;
  for (std::size_t begin = 0; begin <= pattern.size(); ++segments) {
    const std::size_t end = std::min(pattern.find('/', begin), pattern.size());
    const std::string_view segment = pattern.substr(begin, end - begin);
    const bool any = segment == "*" || (segment == "**" && end == pattern.size());
    if (!any && !CheckSegment(segment)) return false;
    begin = end + 1;
  }
  return segments >= 2 && segments <= kPathSegmentsMax;
}

}  // namespace edgetwin::model
