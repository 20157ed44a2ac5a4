// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/dbc_lexer.h"

#include <algorithm>

namespace edgetwin::can {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IsDigit(c);
}

}  // namespace

void DbcLexer::SkipBlanks() {
  for (;; ++at_) {
    if (at_ < text_.size() && text_[at_] == '\n') {
      ++line_;
      first_ = true;
    } else if (at_ + 1 < text_.size() && text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
    } else if (at_ == text_.size() || (text_[at_] != ' ' && text_[at_] != '\t' &&
                                       text_[at_] != '\r' && text_[at_] != '\f')) {
      return;
    }
  }
}

// The closing quote, or the text's end.
std::size_t DbcLexer::StringEnd() const {
  std::size_t end = at_ + 1;
  while (end < text_.size() && text_[end] != '"') {
    end += text_[end] == '\\' && end + 1 < text_.size() ? 2 : 1;
  }
  return std::min(end, text_.size());
}

std::size_t DbcLexer::NumberEnd() const {
  const auto digit = [this](std::size_t at) { return at < text_.size() && IsDigit(text_[at]); };
  std::size_t end = at_ + (text_[at_] == '-' || text_[at_] == '+' ? 1 : 0);
  while (digit(end)) ++end;
  if (end < text_.size() && text_[end] == '.') ++end;
  while (digit(end)) ++end;
  if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
    const bool is_signed =
        end + 1 < text_.size() && (text_[end + 1] == '-' || text_[end + 1] == '+');
    if (digit(end + (is_signed ? 2 : 1))) {
      end += is_signed ? 2 : 1;
      while (digit(end)) ++end;
    }
  }
  return end;
}

void DbcLexer::Advance() {
  SkipBlanks();
  token_ = {DbcToken::Kind::kEnd, {}, line_, first_};
  if (at_ == text_.size()) return;
  first_ = false;
  const char c = text_[at_];
  const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : ' ';
  if (c == '"') {
    const std::size_t end = StringEnd();
    token_.kind = end < text_.size() ? DbcToken::Kind::kString : DbcToken::Kind::kOpenString;
    token_.text = text_.substr(at_ + 1, end - at_ - 1);
    line_ += static_cast<int>(std::count(token_.text.begin(), token_.text.end(), '\n'));
    at_ = std::min(end + 1, text_.size());
    return;
  }
  std::size_t end = at_ + 1;
  if (IsDigit(c) || ((c == '-' || c == '+' || c == '.') && (IsDigit(next) || next == '.'))) {
    token_.kind = DbcToken::Kind::kNumber;
    end = NumberEnd();
  } else if (IsWord(c)) {
    token_.kind = DbcToken::Kind::kWord;
    while (end < text_.size() && IsWord(text_[end])) ++end;
  } else {
    token_.kind = DbcToken::Kind::kMark;
  }
  token_.text = text_.substr(at_, end - at_);
  at_ = end;
}

}  // namespace edgetwin::can
