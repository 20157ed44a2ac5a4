// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Paths of properties: `thing/property`.

#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::model {

inline constexpr std::size_t kPathBytesMax = 200;
inline constexpr std::size_t kPathSegmentsMax = 8;

// Two to eight segments joined by '/', each of [A-Za-z0-9_.-], not empty, not "." or ".."; the last
// names the property, the ones before it the thing. Compared byte by byte.
class Path {
 public:
  Path() = default;
  // kInvalid, saying which segment or character is wrong.
  static Result<Path> Parse(std::string_view text);

  const std::string& text() const { return text_; }
  std::string_view thing() const;     // "plant/tank" of "plant/tank/level".
  std::string_view property() const;  // "level".
  bool empty() const { return text_.empty(); }

  friend auto operator<=>(const Path&, const Path&) = default;

 private:
  std::string text_;
};

// Whether `text` may be one segment of a path (a thing's or property's name).
Status CheckSegment(std::string_view text);
// Replaces what may not stand in a segment by '_', and cuts it to `bytes_max`: names that come from
// hardware.
std::string ToSegment(std::string_view text, std::size_t bytes_max = 64);

// A shell-like pattern over whole paths: '*' is any run inside a segment, "**" any run at all, '?'
// one character of a segment. A pattern without wildcards also matches everything below it ("pump"
// matches "pump/speed").
bool Matches(std::string_view pattern, std::string_view path);

// Whether a peer may be told the pattern: each segment is as in a path or '*', the last may be
// "**", and there are two to eight of them, or "**" alone; at most kPathBytesMax bytes. Such a
// pattern is matched in one pass; the time that others take grows with each "**" in them.
bool ValidPattern(std::string_view pattern);

}  // namespace edgetwin::model

template <>
struct std::hash<edgetwin::model::Path> {
  std::size_t operator()(const edgetwin::model::Path& path) const noexcept {
    return std::hash<std::string>()(path.text());
  }
};
