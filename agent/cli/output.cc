// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "twin/base/utf8.h"

namespace edgetwin::cli {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

char32_t Decode(std::string_view character) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  switch (character.size()) {
    case 1: return at(0);
    case 2: return (at(0) & 0x1fU) << 6 | (at(1) & 0x3fU);
    case 3: return (at(0) & 0x0fU) << 12 | (at(1) & 0x3fU) << 6 | (at(2) & 0x3fU);
    default:
      return (at(0) & 0x07U) << 18 | (at(1) & 0x3fU) << 12 | (at(2) & 0x3fU) << 6 | (at(3) & 0x3fU);
  }
}

using Range = std::pair<char32_t, char32_t>;
// wcwidth() knows more but depends on the locale, which a gateway rarely has set.
constexpr std::array<Range, 5> kNoColumn = {
    {{0x300, 0x36f}, {0x200b, 0x200f}, {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}}};
constexpr std::array<Range, 9> kTwoColumns = {{{0x1100, 0x115f},
                                               {0x2e80, 0xa4cf},
                                               {0xac00, 0xd7a3},
                                               {0xf900, 0xfaff},
                                               {0xfe30, 0xfe6f},
                                               {0xff00, 0xff60},
                                               {0xffe0, 0xffe6},
                                               {0x1f300, 0x1faff},
                                               {0x20000, 0x3fffd}}};

template <class Ranges>
bool In(const Ranges& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.second; });
}

// Of the character at the front: its bytes (at least 1) and columns.
std::pair<std::size_t, std::size_t> Front(std::string_view text) {
  const std::size_t bytes = Utf8CharacterBytes(text);
  if (bytes == 0) return {1, 1};
  const char32_t c = Decode(text.substr(0, bytes));
  return {bytes, In(kNoColumn, c) ? 0U : In(kTwoColumns, c) ? 2U : 1U};
}

// Also the ones that reorder text.
bool Commands(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::string_view CodeOf(Style style) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\033[1m";
    case Style::kDim: return "\033[2m";
    case Style::kGood: return "\033[32m";
    case Style::kWarn: return "\033[33m";
    case Style::kBad: return "\033[1;31m";
  }
  return "";
}

void Write(FILE* file, std::string_view text) {
  if (text.empty()) return;  // Its data() may be null, which fwrite must not be given.
  std::fwrite(text.data(), 1, text.size(), file);
}

}  // namespace

Output::Output(bool json, Color color)
    : json_(json), terminal_(isatty(STDOUT_FILENO) != 0 && isatty(STDERR_FILENO) != 0) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool able = isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0') &&
                    (term == nullptr || std::string_view(term) != "dumb");
  color_ = !json && (color == Color::kAlways || (color == Color::kAuto && able));
}

std::string Output::Paint(std::string_view text, Style style) const {
  std::string safe = Printable(text);
  if (!color_ || style == Style::kPlain || safe.empty()) return safe;
  return std::string(CodeOf(style)) + safe + "\033[0m";
}

void Output::Line(std::string_view text) const {
  Write(stdout, text);
  Write(stdout, "\n");
}

void Output::Document(const Json& json, bool indent) const {
  Write(stdout, json.dump(indent ? 2 : -1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Output::Say(std::string_view text) const {
  std::fflush(stdout);
  std::string line = "edgetwin: ";
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    line += Printable(text.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  Write(stderr, line);
}

std::size_t Width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto [bytes, wide] = Front(text);
    columns += wide;
    text.remove_prefix(bytes);
  }
  return columns;
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = Utf8CharacterBytes(text);
    const bool shown = bytes > 0 && !Commands(Decode(text.substr(0, bytes)));
    out += shown ? text.substr(0, bytes) : kReplacement;
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

std::string Cut(std::string_view text, std::size_t columns) {
  if (Width(text) <= columns) return std::string(text);
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const auto [bytes, wide] = Front(text);
    if (used + wide + 1 > columns) break;
    used += wide;
    out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return out + "…";
}

}  // namespace edgetwin::cli
