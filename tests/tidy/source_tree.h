// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The project's own sources as the tidy rules look at them.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace edgetwin::tidy {

enum class Kind { kCpp, kProto, kCMake, kShell, kSql, kMarkdown, kOther };

struct Include {
  int line = 0;        // From 1.
  std::string target;  // As written between the quotes or angle brackets.
};

struct SourceFile {
  std::string path;  // From the project's root, with '/'.
  Kind kind = Kind::kOther;
  std::vector<std::string> lines;
  // As many as `lines`. For C++ and proto `code` has comments and the insides of literals blanked
  // (those of #include excepted); elsewhere it is the line.
  std::vector<std::string> code;
  std::vector<std::string> comments;

  std::string_view name() const;    // "row_test.cc"
  std::string_view folder() const;  // "twin/model"; empty at the root.
  bool is_header() const;
  bool is_source() const;  // A C++ file that is compiled by itself.
  // Under tests/, in a folder named "testing", or named x_test or x_test_y.
  bool is_test() const;
  std::vector<Include> includes() const;
};

using Tree = std::vector<SourceFile>;

bool IsTestPath(std::string_view path);
// Whether `path` is `prefix` or lies in the folder of that name.
bool IsUnder(std::string_view path, std::string_view prefix);

SourceFile MakeSourceFile(std::string path, std::string_view text);

// What git tracks under `root`; where git can't tell, every file but build trees and dot folders.
Tree LoadTree(const std::filesystem::path& root);

}  // namespace edgetwin::tidy
