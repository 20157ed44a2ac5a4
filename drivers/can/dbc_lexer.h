// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Cuts a DBC file into words.

#pragma once

#include <string_view>

namespace edgetwin::can {

struct DbcToken {
  enum class Kind {
    kEnd,
    kWord,        // An identifier or keyword.
    kNumber,      // With its sign, if that stands before it without a blank.
    kString,      // What is between the quotes, escapes included.
    kMark,        // Any other character.
    kOpenString,  // A string that doesn't end.
  };
  Kind kind = Kind::kEnd;
  std::string_view text;
  int line = 0;
  bool first = false;  // Of its line.

  bool Is(std::string_view word) const { return kind == Kind::kWord && text == word; }
  bool IsMark(char mark) const { return kind == Kind::kMark && text.front() == mark; }
};

// One token ahead. `text` must outlive the lexer.
class DbcLexer {
 public:
  explicit DbcLexer(std::string_view text) : text_(text) { Advance(); }

  const DbcToken& peek() const { return token_; }
  DbcToken Take() {
    const DbcToken taken = token_;
    Advance();
    return taken;
  }

 private:
  void Advance();
  void SkipBlanks();
  std::size_t StringEnd() const;
  std::size_t NumberEnd() const;

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool first_ = true;
  DbcToken token_;
};

}  // namespace edgetwin::can
