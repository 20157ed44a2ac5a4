// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A configuration as a tree that remembers where each key stands, and a strict reader over it.
//
// The tree has no opinion about its file format (agent/config makes it from TOML). Every consumer
// of configuration, drivers included, reads it through ConfigReader, so unknown keys, wrong types
// and impossible ranges are reported in one way: file, line, key, what is wrong, and what is near.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace edgetwin {

struct ConfigSource {
  std::string file;
  int line = 0;  // From 1; 0 when unknown.
};

struct ConfigNode {
  using Array = std::vector<ConfigNode>;
  using Table = std::vector<std::pair<std::string, ConfigNode>>;  // In the file's order.

  std::variant<bool, std::int64_t, double, std::string, Array, Table> value;
  ConfigSource source;

  const Table* table() const;
  const Array* array() const;
  // The named member of a table, or null.
  const ConfigNode* Find(std::string_view key) const;
  // "boolean", "integer", "float", "string", "array" or "table".
  std::string_view TypeName() const;
};

// Before anything else names a table: clang 14 can't complete a pair that holds a ConfigNode
// otherwise.
inline ConfigNode EmptyConfigNode() {
  return {};
}

inline const ConfigNode::Table* ConfigNode::table() const {
  return std::get_if<Table>(&value);
}
inline const ConfigNode::Array* ConfigNode::array() const {
  return std::get_if<Array>(&value);
}

struct ConfigProblem {
  ConfigSource source;
  std::string key;  // Dotted from the root: "drivers.boiler.host".
  std::string
      text;  // What is wrong, with the value that was wrong and, where one is near, what was meant.

  // "FILE:LINE: KEY: TEXT".
  std::string ToString() const;
};

// Collects every problem of a configuration, in order, up to `problems_max` (then one that says how
// many more).
class ConfigProblems {
 public:
  explicit ConfigProblems(std::size_t problems_max = 100) : problems_max_(problems_max) {}
  void Add(const ConfigSource& source, std::string key, std::string text);
  bool empty() const { return problems_.empty(); }
  // How many there were, left out ones included.
  std::size_t count() const { return std::min(problems_.size(), problems_max_) + left_out_; }
  const std::vector<ConfigProblem>& list() const { return problems_; }
  // One problem a line.
  std::string ToString() const;

 private:
  std::size_t problems_max_;
  std::size_t left_out_ = 0;
  std::vector<ConfigProblem> problems_;
};

// "prefix.key" as TOML spells it: a key that is not of A-Z a-z 0-9 _ - is quoted. Either part may
// be empty.
std::string DottedKey(std::string_view prefix, std::string_view key);

// The candidate nearest to `word` by edit distance, or that it begins, if that is near enough to be
// what was meant; else empty.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

// "1500ms", "10s", "5m", "2h", "1d", or combinations, larger units first ("1h30m"); a bare "0" is
// zero. Never negative.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);
// The shortest exact spelling that ParseDuration reads back.
std::string FormatDuration(std::chrono::milliseconds duration);

// Reads one table. Every getter returns the default and records a problem when the key's value is
// of a wrong type or out of range, so a caller reads everything first and looks at the problems
// once. Each key that a getter was asked for counts as known; Finish reports the others.
class ConfigReader {
 public:
  // `table` and `problems` must outlive the reader. `prefix`: the dotted key of the table itself.
  ConfigReader(const ConfigNode& table, std::string prefix, ConfigProblems& problems);

  bool Has(std::string_view key);
  // Records "is required" when the key is absent. Returns whether it is there.
  bool Require(std::string_view key);

  bool Bool(std::string_view key, bool otherwise);
  std::int64_t Int(std::string_view key, std::int64_t otherwise, std::int64_t min,
                   std::int64_t max);
  // Integers are accepted too. NaN and infinities are not.
  double Double(std::string_view key, double otherwise, double min, double max);
  std::optional<double> OptionalDouble(std::string_view key);
  std::string String(std::string_view key, std::string otherwise);
  // A string of ParseDuration's form. Bare numbers are refused: they have no unit.
  std::chrono::milliseconds Duration(std::string_view key, std::chrono::milliseconds otherwise,
                                     std::chrono::milliseconds min, std::chrono::milliseconds max);
  // A size in bytes: an integer, or a string such as "64KiB", "10MB", "1GiB".
  std::uint64_t Bytes(std::string_view key, std::uint64_t otherwise, std::uint64_t min,
                      std::uint64_t max);
  std::vector<std::string> Strings(std::string_view key);
  // One of `choices`; the problem names the nearest one.
  template <class E>
  E Choice(std::string_view key, E otherwise,
           const std::vector<std::pair<std::string, E>>& choices) {
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) names.push_back(name);
    const int index = ChoiceIndex(key, names);
    return index < 0 ? otherwise : choices[static_cast<std::size_t>(index)].second;
  }
  // A sub-table, if the key is there and is one.
  std::optional<ConfigReader> Table(std::string_view key);
  // An array of tables ([[key]]); empty when absent.
  std::vector<ConfigReader> Tables(std::string_view key);
  // All members of this table that are tables themselves, by name: [drivers.boiler],
  // [drivers.pump], ….
  std::vector<std::pair<std::string, ConfigReader>> Members();
  // The raw node, for shapes that no getter covers; counts as known.
  const ConfigNode* Raw(std::string_view key);

  // A key that people will try, and why it is not taken: a problem if it is there. Never suggested.
  void Refuse(std::string_view key, std::string why);

  // Records a problem of this table's `key` (or of the table itself when empty).
  void Problem(std::string_view key, std::string text);
  // Reports every key nobody asked for, with the nearest known one.
  void Finish();

  const ConfigSource& source() const { return table_->source; }
  const std::string& prefix() const { return prefix_; }
  ConfigProblems& problems() { return *problems_; }

 private:
  // The key's value if it is there and a T; a problem if it is not a T.
  template <class T>
  const T* Get(std::string_view key, std::string_view wanted);
  int ChoiceIndex(std::string_view key, const std::vector<std::string>& names);
  std::string Dotted(std::string_view key) const;

  const ConfigNode* table_;
  std::string prefix_;
  ConfigProblems* problems_;
  std::set<std::string, std::less<>> known_;
  std::set<std::string, std::less<>> refused_;
  bool members_are_known_ = false;  // What Members left out is of a wrong type, not unknown.
};

}  // namespace edgetwin
