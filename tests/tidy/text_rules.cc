// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <functional>

#include "tests/tidy/rules.h"

namespace edgetwin::tidy {
namespace {

constexpr std::ptrdiff_t kColumnsMax = 100;

// Characters, not bytes: continuation bytes of UTF-8 take no column.
std::ptrdiff_t Columns(std::string_view line) {
  return std::count_if(line.begin(), line.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

Findings EachLine(const Tree& tree, const std::function<bool(const SourceFile&)>& is_meant,
                  const std::function<bool(std::string_view)>& is_wrong, const std::string& text) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!is_meant(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (is_wrong(file.lines[i])) findings.push_back({file.path, static_cast<int>(i) + 1, text});
    }
  }
  return findings;
}

bool IsCode(const SourceFile& file) {
  return file.kind != Kind::kOther && file.kind != Kind::kMarkdown;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  out << finding.path;
  if (finding.line > 0) out << ':' << finding.line;
  return out << ": " << finding.text;
}

Findings CheckLineWidth(const Tree& tree) {
  return EachLine(
      tree, IsCode,
      [](std::string_view line) {
        return Columns(line) > kColumnsMax && line.find("://") == std::string_view::npos;
      },
      "wider than " + std::to_string(kColumnsMax) + " columns");
}

Findings CheckTrailingSpace(const Tree& tree) {
  return EachLine(
      tree, [](const SourceFile& file) { return file.kind != Kind::kOther; },
      [](std::string_view line) {
        return line.ends_with(' ') || line.ends_with('\t') || line.ends_with('\r');
      },
      "white space at the end of the line");
}

Findings CheckTabs(const Tree& tree) {
  return EachLine(
      tree, IsCode, [](std::string_view line) { return line.find('\t') != std::string_view::npos; },
      "a tab; indent with spaces, and write \\t inside literals");
}

Findings CheckLicence(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!IsCode(file)) continue;
    const std::size_t at = !file.lines.empty() && file.lines[0].starts_with("#!") ? 1 : 0;
    const bool is_there = file.lines.size() >= at + 2 &&
                          file.lines[at].ends_with("Copyright 2026 The edgetwin authors") &&
                          file.lines[at + 1].ends_with("SPDX-License-Identifier: Apache-2.0");
    if (!is_there) findings.push_back({file.path, 1, "the two-line licence header is missing"});
  }
  return findings;
}

Findings CheckPragmaOnce(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (file.is_header() &&
        std::find(file.code.begin(), file.code.end(), "#pragma once") == file.code.end()) {
      findings.push_back({file.path, 1, "#pragma once is missing"});
    }
  }
  return findings;
}

}  // namespace edgetwin::tidy
