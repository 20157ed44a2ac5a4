// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/config_node.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace edgetwin {
namespace {

using std::chrono::milliseconds;

// Longer words are not misspellings of keys, and the comparison's cost is the product of the
// lengths.
constexpr std::size_t kNearestBytesMax = 64;
// "warn" is short for "warning", "wa" may be anything.
constexpr std::size_t kBeginningBytesMin = 3;
// Of a wrong value shown in a problem.
constexpr std::size_t kShownBytesMax = 80;
// An unknown key with nothing near is answered with the known ones, if they are few enough to read.
constexpr std::size_t kKnownShownMax = 16;

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Largest first.
constexpr std::array<Unit, 5> kDurationUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr std::array<Unit, 10> kSizeUnits = {{{"TiB", std::int64_t{1} << 40},
                                              {"TB", 1'000'000'000'000},
                                              {"GiB", 1 << 30},
                                              {"GB", 1'000'000'000},
                                              {"MiB", 1 << 20},
                                              {"MB", 1'000'000},
                                              {"KiB", 1 << 10},
                                              {"KB", 1000},
                                              {"kB", 1000},
                                              {"B", 1}}};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Takes an unsigned decimal number from the front of `text`.
std::optional<std::int64_t> TakeNumber(std::string_view& text) {
  if (text.empty() || !IsDigit(text.front())) return {};  // from_chars would take a sign.
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

template <std::size_t N>
const Unit* FindUnit(const std::array<Unit, N>& units, std::string_view name) {
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& candidate) { return candidate.name == name; });
  return unit == units.end() ? nullptr : &*unit;
}

std::optional<std::uint64_t> ParseSize(std::string_view text) {
  const std::optional<std::int64_t> number = TakeNumber(text);
  const Unit* unit = FindUnit(kSizeUnits, text);
  std::int64_t bytes = 0;
  if (!number || unit == nullptr || __builtin_mul_overflow(*number, unit->factor, &bytes))
    return {};
  return static_cast<std::uint64_t>(bytes);
}

std::string FormatSize(std::uint64_t bytes) {
  for (const Unit& unit : kSizeUnits) {
    const auto factor = static_cast<std::uint64_t>(unit.factor);
    if (bytes >= factor && bytes % factor == 0) {
      return std::to_string(bytes / factor) + std::string(unit.name);
    }
  }
  return "0";
}

std::string FormatDouble(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

// As TOML writes it. Cut, for it may be a whole certificate pasted into the wrong key.
std::string Quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text.substr(0, kShownBytesMax)) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\?";
    } else {
      result += c;
    }
  }
  // A character that the cut went through goes as a whole.
  if (text.size() > kShownBytesMax) {
    while (static_cast<unsigned char>(result.back()) >= 0x80) result.pop_back();
    result += "…";
  }
  return result += '"';
}

// A wrong value for people: "the string \"x\"", "3.5", "an array".
std::string Show(const ConfigNode& node) {
  if (const auto* flag = std::get_if<bool>(&node.value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&node.value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&node.value)) {
    const std::string text = FormatDouble(*number);
    return std::isfinite(*number) && text.find_first_of(".e") == text.npos ? text + ".0" : text;
  }
  if (const auto* text = std::get_if<std::string>(&node.value)) return "the string " + Quote(*text);
  return node.array() != nullptr ? "an array" : "a table";
}

bool IsBareKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' || c == '-';
  });
}

// Spellings that differ in these are the same word to people.
std::string Fold(std::string_view word) {
  std::string result(word);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return result;
}

// Damerau-Levenshtein in its restricted form (optimal string alignment): insertions, deletions,
// substitutions and swaps of neighbours each cost one.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({substitution, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string Join(const std::vector<std::string>& words) {
  std::string result;
  for (const std::string& word : words) {
    if (!result.empty()) result += ", ";
    result += word;
  }
  return result;
}

}  // namespace

const ConfigNode* ConfigNode::Find(std::string_view key) const {
  if (table() == nullptr) return nullptr;
  for (const auto& [name, node] : *table()) {
    if (name == key) return &node;
  }
  return nullptr;
}

std::string_view ConfigNode::TypeName() const {
  constexpr std::array<std::string_view, 6> kNames = {"boolean", "integer", "float",
                                                      "string",  "array",   "table"};
  return kNames[value.index()];
}

std::string ConfigProblem::ToString() const {
  std::string result = source.file;
  if (!source.file.empty() && source.line > 0) result += ":" + std::to_string(source.line);
  for (const std::string& part : {key, text}) {
    if (part.empty()) continue;
    if (!result.empty()) result += ": ";
    result += part;
  }
  return result;
}

void ConfigProblems::Add(const ConfigSource& source, std::string key, std::string text) {
  if (problems_.size() < problems_max_) {
    problems_.push_back({source, std::move(key), std::move(text)});
    return;
  }
  ++left_out_;
  if (left_out_ == 1) problems_.push_back({});
  problems_.back().text =
      "and " + std::to_string(left_out_) + " more " + (left_out_ == 1 ? "problem" : "problems");
}

std::string ConfigProblems::ToString() const {
  std::string result;
  for (const ConfigProblem& problem : problems_) result += problem.ToString() + "\n";
  return result;
}

std::string DottedKey(std::string_view prefix, std::string_view key) {
  std::string result(prefix);
  if (!prefix.empty() && !key.empty()) result += '.';
  if (!key.empty()) result += IsBareKey(key) ? std::string(key) : Quote(key);
  return result;
}

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > kNearestBytesMax) return {};
  const std::string folded = Fold(word);
  std::string best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kNearestBytesMax) continue;
    const std::string other = Fold(candidate);
    // A third of the letters: "prot" for "port" yes, "ca" for "id" no; beyond three, it is another
    // word.
    const std::size_t allowed = std::min<std::size_t>(std::max(word.size(), other.size()) / 3, 3);
    const bool begins = folded.size() >= kBeginningBytesMin && other.starts_with(folded);
    const std::size_t distance =
        begins ? std::min(allowed, other.size() - folded.size()) : EditDistance(folded, other);
    if (distance > allowed || distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::optional<milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return milliseconds(0);
  if (text.empty()) return {};
  std::int64_t total = 0;
  const Unit* last = nullptr;
  while (!text.empty()) {
    const std::optional<std::int64_t> number = TakeNumber(text);
    const std::size_t letters = std::min(
        static_cast<std::size_t>(std::find_if(text.begin(), text.end(), IsDigit) - text.begin()),
        text.size());
    const Unit* unit = FindUnit(kDurationUnits, text.substr(0, letters));
    // Each unit once, the larger one first: "30m1h" is more likely a mistake than meant.
    if (!number || unit == nullptr || (last != nullptr && unit->factor >= last->factor)) return {};
    std::int64_t part = 0;
    if (__builtin_mul_overflow(*number, unit->factor, &part)) return {};
    if (__builtin_add_overflow(total, part, &total)) return {};
    text.remove_prefix(letters);
    last = unit;
  }
  return milliseconds(total);
}

std::string FormatDuration(milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms == 0) return "0";
  if (ms < 0) {
    const auto smallest = std::numeric_limits<std::int64_t>::min();
    return "-" + FormatDuration(milliseconds(ms == smallest ? -(ms + 1) : -ms));
  }
  // Every choice of units is tried: "90m" is shorter than "1h30m", "1h1ms" than "3600001ms".
  std::string best;
  for (unsigned chosen = 1; chosen < 1u << kDurationUnits.size(); ++chosen) {
    std::int64_t rest = ms;
    std::string text;
    for (std::size_t i = 0; i < kDurationUnits.size(); ++i) {
      const auto& [name, factor] = kDurationUnits[i];
      if ((chosen >> i & 1) == 0 || rest / factor == 0) continue;
      text += std::to_string(rest / factor) + std::string(name);
      rest %= factor;
    }
    if (rest == 0 && (best.empty() || text.size() < best.size())) best = text;
  }
  return best;
}

ConfigReader::ConfigReader(const ConfigNode& table, std::string prefix, ConfigProblems& problems)
    : table_(&table), prefix_(std::move(prefix)), problems_(&problems) {
  if (table.table() == nullptr) Problem({}, "must be a table, is " + Show(table));
}

const ConfigNode* ConfigReader::Raw(std::string_view key) {
  known_.emplace(key);
  return table_->Find(key);
}

template <class T>
const T* ConfigReader::Get(std::string_view key, std::string_view wanted) {
  const ConfigNode* node = Raw(key);
  if (node == nullptr) return nullptr;
  const T* value = std::get_if<T>(&node->value);
  if (value == nullptr) Problem(key, "must be " + std::string(wanted) + ", is " + Show(*node));
  return value;
}

bool ConfigReader::Has(std::string_view key) {
  return Raw(key) != nullptr;
}

bool ConfigReader::Require(std::string_view key) {
  if (Has(key)) return true;
  Problem(key, "is required");
  return false;
}

bool ConfigReader::Bool(std::string_view key, bool otherwise) {
  const bool* value = Get<bool>(key, "true or false");
  return value != nullptr ? *value : otherwise;
}

std::int64_t ConfigReader::Int(std::string_view key, std::int64_t otherwise, std::int64_t min,
                               std::int64_t max) {
  const std::int64_t* value = Get<std::int64_t>(key, "an integer");
  if (value == nullptr) return otherwise;
  if (*value >= min && *value <= max) return *value;
  Problem(key, "must be from " + std::to_string(min) + " to " + std::to_string(max) + ", is " +
                   std::to_string(*value));
  return otherwise;
}

double ConfigReader::Double(std::string_view key, double otherwise, double min, double max) {
  const std::optional<double> value = OptionalDouble(key);
  if (!value) return otherwise;
  if (*value >= min && *value <= max) return *value;
  const bool no_max = max == std::numeric_limits<double>::max() || std::isinf(max);
  Problem(key, (no_max ? "must be at least " + FormatDouble(min)
                       : "must be from " + FormatDouble(min) + " to " + FormatDouble(max)) +
                   ", is " + FormatDouble(*value));
  return otherwise;
}

std::optional<double> ConfigReader::OptionalDouble(std::string_view key) {
  const ConfigNode* node = Raw(key);
  if (node == nullptr) return {};
  if (const auto* integer = std::get_if<std::int64_t>(&node->value)) {
    return static_cast<double>(*integer);
  }
  const auto* value = std::get_if<double>(&node->value);
  if (value != nullptr && std::isfinite(*value)) return *value;
  Problem(key, "must be a number, is " + Show(*node));
  return {};
}

std::string ConfigReader::String(std::string_view key, std::string otherwise) {
  const std::string* value = Get<std::string>(key, "a string");
  return value != nullptr ? *value : otherwise;
}

milliseconds ConfigReader::Duration(std::string_view key, milliseconds otherwise, milliseconds min,
                                    milliseconds max) {
  const ConfigNode* node = Raw(key);
  if (node == nullptr) return otherwise;
  const auto* text = std::get_if<std::string>(&node->value);
  const std::optional<milliseconds> value = text != nullptr ? ParseDuration(*text) : std::nullopt;
  if (!value) {
    std::string_view digits = text != nullptr ? std::string_view(*text) : std::string_view();
    const bool no_unit = std::holds_alternative<std::int64_t>(node->value) ||
                         (TakeNumber(digits).has_value() && digits.empty());
    const std::string shown = text != nullptr ? Quote(*text) : Show(*node);
    Problem(key,
            no_unit
                ? shown + " has no unit: write \"500ms\", \"10s\", \"5m\", \"2h\" or \"1d\""
                : "must be a duration such as \"500ms\", \"10s\" or \"1h30m\", is " + Show(*node));
    return otherwise;
  }
  if (*value >= min && *value <= max) return *value;
  Problem(key,
          "must be from " + FormatDuration(min) + " to " + FormatDuration(max) + ", is " + *text);
  return otherwise;
}

std::uint64_t ConfigReader::Bytes(std::string_view key, std::uint64_t otherwise, std::uint64_t min,
                                  std::uint64_t max) {
  const ConfigNode* node = Raw(key);
  if (node == nullptr) return otherwise;
  std::optional<std::uint64_t> value;
  if (const auto* number = std::get_if<std::int64_t>(&node->value); number && *number >= 0) {
    value = static_cast<std::uint64_t>(*number);
  } else if (const auto* text = std::get_if<std::string>(&node->value)) {
    value = ParseSize(*text);
  }
  if (!value) {
    Problem(key, "must be a size such as 4096, \"64KiB\", \"10MB\" or \"1GiB\", is " + Show(*node));
    return otherwise;
  }
  if (*value >= min && *value <= max) return *value;
  Problem(key, "must be from " + FormatSize(min) + " to " + FormatSize(max) + ", is " +
                   FormatSize(*value));
  return otherwise;
}

std::vector<std::string> ConfigReader::Strings(std::string_view key) {
  std::vector<std::string> result;
  const ConfigNode::Array* array = Get<ConfigNode::Array>(key, "an array of strings");
  if (array == nullptr) return result;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const ConfigNode& node = (*array)[i];
    if (const auto* text = std::get_if<std::string>(&node.value)) {
      result.push_back(*text);
    } else {
      problems_->Add(node.source, Dotted(key) + "[" + std::to_string(i) + "]",
                     "must be a string, is " + Show(node));
    }
  }
  return result;
}

std::optional<ConfigReader> ConfigReader::Table(std::string_view key) {
  if (Get<ConfigNode::Table>(key, "a table") == nullptr) return {};
  return ConfigReader(*table_->Find(key), Dotted(key), *problems_);
}

std::vector<ConfigReader> ConfigReader::Tables(std::string_view key) {
  std::vector<ConfigReader> result;
  const std::string wanted = "an array of tables ([[" + Dotted(key) + "]])";
  const ConfigNode::Array* array = Get<ConfigNode::Array>(key, wanted);
  if (array == nullptr) return result;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const ConfigNode& node = (*array)[i];
    const std::string element = Dotted(key) + "[" + std::to_string(i) + "]";
    if (node.table() != nullptr) {
      result.emplace_back(node, element, *problems_);
    } else {
      problems_->Add(node.source, element, "must be a table, is " + Show(node));
    }
  }
  return result;
}

std::vector<std::pair<std::string, ConfigReader>> ConfigReader::Members() {
  std::vector<std::pair<std::string, ConfigReader>> result;
  members_are_known_ = true;
  if (table_->table() == nullptr) return result;
  for (const auto& [name, node] : *table_->table()) {
    if (node.table() == nullptr) continue;
    known_.insert(name);
    result.emplace_back(name, ConfigReader(node, Dotted(name), *problems_));
  }
  return result;
}

int ConfigReader::ChoiceIndex(std::string_view key, const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(Quote(name));
  const std::string* text = Get<std::string>(key, "one of " + Join(quoted));
  if (text == nullptr) return -1;
  const auto name = std::find(names.begin(), names.end(), *text);
  if (name != names.end()) return static_cast<int>(name - names.begin());
  const std::string nearest = Nearest(*text, names);
  Problem(key, Quote(*text) + " is none of " + Join(quoted) +
                   (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  return -1;
}

void ConfigReader::Refuse(std::string_view key, std::string why) {
  refused_.emplace(key);
  if (table_->Find(key) != nullptr) Problem(key, std::move(why));
}

void ConfigReader::Problem(std::string_view key, std::string text) {
  const ConfigNode* node = key.empty() ? nullptr : table_->Find(key);
  problems_->Add(node != nullptr ? node->source : table_->source, Dotted(key), std::move(text));
}

void ConfigReader::Finish() {
  if (table_->table() == nullptr) return;
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& [name, node] : *table_->table()) {
    if (known_.contains(name) || refused_.contains(name)) continue;
    const std::string nearest = Nearest(name, known);
    std::string text = "unknown key";
    if (!nearest.empty()) {
      text += "; did you mean \"" + nearest + "\"?";
    } else if (members_are_known_) {
      text = "must be a table ([" + Dotted(name) + "]), is " + Show(node);
    } else if (!known.empty() && known.size() <= kKnownShownMax) {
      text += "; known here: " + Join(known);
    }
    problems_->Add(node.source, Dotted(name), std::move(text));
  }
}

std::string ConfigReader::Dotted(std::string_view key) const {
  return DottedKey(prefix_, key);
}

}  // namespace edgetwin
