// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/extract/json_picker.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace edgetwin::extract {

Result<Pointer> ParsePointer(std::string_view text) {
  if (text.size() > kPointerBytesMax) {
    return Invalid("is longer than " + std::to_string(kPointerBytesMax) + " bytes");
  }
  Pointer pointer;
  if (text.empty()) return pointer;
  if (text.front() != '/') return Invalid(Shown(text) + " doesn't begin with '/'");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      pointer.emplace_back();
    } else if (text[i] != '~') {
      pointer.back() += text[i];
    } else if (i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      pointer.back() += text[++i] == '0' ? '~' : '/';
    } else {
      return Invalid(Shown(text) + " has a '~' that is neither ~0 (for ~) nor ~1 (for /)");
    }
  }
  if (pointer.size() > kJsonDepthMax) {
    return Invalid("is deeper than " + std::to_string(kJsonDepthMax) + " levels");
  }
  return pointer;
}

std::size_t JsonPicker::Add(const Pointer& pointer, std::string text) {
  std::size_t at = 0;
  for (const std::string& token : pointer) {
    const auto [child, added] = nodes_[at].children.emplace(token, nodes_.size());
    at = child->second;
    if (added) nodes_.emplace_back();
  }
  nodes_[at].wanted.push_back(texts_.size());
  texts_.push_back(std::move(text));
  return texts_.size() - 1;
}

// Follows nlohmann's parser through the document, with the picker's node at hand where there is
// one.
class JsonWalk final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonWalk(const JsonPicker& picker)
      : picker_(picker), met_(picker.nodes_.size()), found_(picker.texts_.size()) {}

  bool null() override { return Take(Scalar()); }
  bool boolean(bool value) override { return Take(Scalar(value)); }
  bool number_integer(number_integer_t value) override { return Take(Scalar(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto kIntMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value <= kIntMax) return Take(Scalar(static_cast<std::int64_t>(value)));
    return Take(Scalar(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return Take(Scalar(value)); }
  bool string(string_t& value) override { return Take(Scalar(std::move(value))); }
  bool binary(binary_t&) override { return false; }  // Not in JSON.

  bool start_object(std::size_t) override { return Enter(false); }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t) override { return Enter(true); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.child = ChildOf(level.node, name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_ = Corrupt("no JSON at byte " + std::to_string(position));
    return false;
  }

  const std::optional<Error>& error() const { return error_; }
  std::vector<Result<Scalar>> TakeResults() {
    std::vector<Result<Scalar>> results;
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (found_[i]) {
        results.push_back(*std::move(found_[i]));
      } else {
        results.push_back(NotFound("no " + picker_.texts_[i] + " in the JSON"));
      }
    }
    return results;
  }

 private:
  using Node = std::optional<std::size_t>;  // Nothing below it is looked for when empty.
  struct Level {
    Node node;
    Node child;  // The value that comes next.
    bool array = false;
    std::size_t index = 0;  // Of the next value, in an array.
  };

  Node ChildOf(Node node, std::string_view token) const {
    if (!node) return {};
    const auto& children = picker_.nodes_[*node].children;
    const auto found = children.find(token);
    return found == children.end() ? Node() : Node(found->second);
  }

  // The node of the value that begins now.
  Node Next() {
    if (levels_.empty()) return 0;
    Level& level = levels_.back();
    if (!level.array) return level.child;
    const std::size_t index = level.index++;
    if (!level.node || picker_.nodes_[*level.node].children.empty()) return {};
    return ChildOf(level.node, std::to_string(index));
  }

  // Everything at and below a name that stands twice is ambiguous.
  void Ambiguous(std::size_t node) {
    for (const std::size_t wanted : picker_.nodes_[node].wanted) {
      found_[wanted] = Corrupt(picker_.texts_[wanted] + " stands twice in the JSON");
    }
    for (const auto& [token, child] : picker_.nodes_[node].children) Ambiguous(child);
  }

  // False when the node was met before.
  bool Meet(std::size_t node) {
    const bool first = met_[node] == 0;
    if (met_[node] == 1) ambiguous_.push_back(node);
    if (met_[node] < 2) ++met_[node];
    return first;
  }

  bool Take(const Scalar& value) {
    const Node node = Next();
    if (!node || !Meet(*node)) return true;
    for (const std::size_t wanted : picker_.nodes_[*node].wanted) found_[wanted] = value;
    return true;
  }

  bool Enter(bool array) {
    const Node node = Next();
    if (levels_.size() == kJsonDepthMax) {
      error_ = Corrupt("the JSON is deeper than " + std::to_string(kJsonDepthMax) + " levels");
      return false;
    }
    if (node && Meet(*node)) {
      for (const std::size_t wanted : picker_.nodes_[*node].wanted) {
        found_[wanted] =
            Invalid(picker_.texts_[wanted] + (array ? " is an array" : " is an object"));
      }
    }
    levels_.push_back({node, {}, array, 0});
    return true;
  }
  bool Leave() {
    levels_.pop_back();
    if (levels_.empty()) {
      for (const std::size_t node : ambiguous_) Ambiguous(node);
    }
    return true;
  }

  const JsonPicker& picker_;
  std::vector<char> met_;  // By node: how often, up to 2.
  std::vector<std::size_t> ambiguous_;
  std::vector<std::optional<Result<Scalar>>> found_;
  std::vector<Level> levels_;
  std::optional<Error> error_;
};

Result<std::vector<Result<Scalar>>> JsonPicker::Pick(std::string_view json) const {
  JsonWalk walk(*this);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &walk)) {
    return walk.error().value_or(Corrupt("no JSON"));
  }
  return walk.TakeResults();
}

}  // namespace edgetwin::extract
