// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/options.h"

#include <charconv>
#include <optional>
#include <utility>

namespace edgetwin::driver::testing {
namespace {

class Parser {
 public:
  Parser(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

  Result<ConfigNode> Run() {
    ConfigNode root = Node(ConfigNode::Table{});
    ConfigNode* table = &root;
    while (!text_.empty()) {
      ++line_;
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      rest_ = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      SkipBlanks();
      if (AtEnd()) continue;
      if (rest_.front() == '[') {
        table = Header(root);
        if (table == nullptr) return Wrong();
      } else if (!Pair(*table)) {
        return Wrong();
      }
    }
    return root;
  }

 private:
  static ConfigNode::Table& TableOf(ConfigNode& node) {
    return std::get<ConfigNode::Table>(node.value);
  }

  template <class T>
  ConfigNode Node(T value) const {
    ConfigNode node;
    node.value = std::move(value);
    node.source = {file_, line_};
    return node;
  }

  Error Wrong() const {
    return Invalid(file_ + ":" + std::to_string(line_) + ": not understood near '" +
                   std::string(rest_) + "'");
  }

  void SkipBlanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }
  bool AtEnd() const { return rest_.empty() || rest_.front() == '#'; }
  bool Take(std::string_view token) {
    SkipBlanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::string Key() {
    SkipBlanks();
    std::size_t size = 0;
    while (size < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[size])) != 0 ||
                                   rest_[size] == '_' || rest_[size] == '-')) {
      ++size;
    }
    std::string key(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return key;
  }

  // The table that a [header] or [[header]] opens; null when it isn't one.
  ConfigNode* Header(ConfigNode& root) {
    const bool array = Take("[[");
    if (!array && !Take("[")) return nullptr;
    ConfigNode* at = &root;
    for (;;) {
      const std::string key = Key();
      if (key.empty()) return nullptr;
      const bool last = !Take(".");
      at = Descend(*at, key, array && last);
      if (at == nullptr) return nullptr;
      if (last) break;
    }
    if (!Take(array ? "]]" : "]")) return nullptr;
    SkipBlanks();
    return AtEnd() ? at : nullptr;
  }

  ConfigNode* Descend(ConfigNode& in, const std::string& key, bool append) {
    ConfigNode::Table& table = TableOf(in);
    ConfigNode* member = nullptr;
    for (auto& [name, node] : table) {
      if (name == key) member = &node;
    }
    if (member == nullptr) {
      table.emplace_back(key, append ? Node(ConfigNode::Array{}) : Node(ConfigNode::Table{}));
      member = &table.back().second;
    }
    if (auto* array = std::get_if<ConfigNode::Array>(&member->value)) {
      if (append) array->push_back(Node(ConfigNode::Table{}));
      if (array->empty()) return nullptr;
      member = &array->back();
    } else if (append) {
      return nullptr;
    }
    return std::holds_alternative<ConfigNode::Table>(member->value) ? member : nullptr;
  }

  bool Pair(ConfigNode& table) {
    std::string key = Key();
    if (key.empty() || !Take("=")) return false;
    std::optional<ConfigNode> value = OneValue();
    SkipBlanks();
    if (!value || !AtEnd()) return false;
    TableOf(table).emplace_back(std::move(key), std::move(*value));
    return true;
  }

  std::optional<ConfigNode> OneValue() {
    SkipBlanks();
    if (Take("true")) return Node(true);
    if (Take("false")) return Node(false);
    if (Take("\"")) return Text();
    if (Take("[")) return List();
    return Number();
  }

  std::optional<ConfigNode> Text() {
    std::string text;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return Node(std::move(text));
      if (c == '\\') {
        if (rest_.empty()) return std::nullopt;
        const char escaped = rest_.front();
        if (escaped != '\\' && escaped != '"' && escaped != 't') return std::nullopt;
        c = escaped == 't' ? '\t' : escaped;
        rest_.remove_prefix(1);
      }
      text += c;
    }
    return std::nullopt;
  }

  std::optional<ConfigNode> List() {
    ConfigNode::Array array;
    while (!Take("]")) {
      std::optional<ConfigNode> value = OneValue();
      if (!value) return std::nullopt;
      array.push_back(std::move(*value));
      if (Take(",")) continue;
      if (!Take("]")) return std::nullopt;
      break;
    }
    return Node(std::move(array));
  }

  std::optional<ConfigNode> Number() {
    const std::size_t size = std::min(rest_.find_first_of(" \t,]#"), rest_.size());
    const std::string_view word = rest_.substr(0, size);
    const char* end = word.data() + word.size();
    rest_.remove_prefix(size);
    std::int64_t integer = 0;
    if (const auto [p, e] = std::from_chars(word.data(), end, integer);
        e == std::errc() && p == end)
      return Node(integer);
    double real = 0;
    if (const auto [p, e] = std::from_chars(word.data(), end, real); e == std::errc() && p == end)
      return Node(real);
    return std::nullopt;
  }

  std::string_view text_;
  std::string_view rest_;  // Of the current line.
  std::string file_;
  int line_ = 0;
};

}  // namespace

Result<ConfigNode> ParseOptions(std::string_view text, std::string file) {
  return Parser(text, std::move(file)).Run();
}

}  // namespace edgetwin::driver::testing
