// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the operator's commands print.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sync/cloud/cli/client.h"

namespace edgetwin::cloudcli {

// Control characters and what is not UTF-8 become '?': a device's text must not command the
// terminal.
std::string Printable(std::string_view text);
void Line(std::string_view text);
// "edgetwin-cloud: TEXT" on standard error.
void Say(std::string_view text);
void Document(const Json& json);

// Members of a document; another release's cloud may leave some out.
const Json& At(const Json& json, std::string_view key);
std::string TextAt(const Json& json, std::string_view key, std::string_view otherwise = "-");
std::uint64_t NumberAt(const Json& json, std::string_view key);
// "2026-09-21 14:13:20 UTC (3 min ago)"; "-" for none.
std::string WhenAt(const Json& json, std::string_view key);
// "3 min ago", "in 2 h".
std::string AgoAt(const Json& json, std::string_view key);

class Table {
 public:
  // Without names there is no heading.
  explicit Table(std::vector<std::string> columns) : rows_{std::move(columns)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  void Print() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // The first one is the heading.
};

}  // namespace edgetwin::cloudcli
