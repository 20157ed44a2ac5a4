// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A temporary folder for one test, removed with all it holds.
//
// What this library can't do (no disk, no program) it throws as std::runtime_error: GoogleTest
// reports that as the test's failure, which is what it is.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace edgetwin::tests {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string File(std::string_view name) const { return (path_ / name).string(); }
  // Writes `text` to the file `name` and returns its full path.
  std::string Write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

// The whole file; empty when it can't be read.
std::string ReadFile(const std::string& file);

}  // namespace edgetwin::tests
