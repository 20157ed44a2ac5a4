// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/dbc.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "drivers/can/dbc_lexer.h"
#include "twin/base/utf8.h"

namespace edgetwin::can {
namespace {

using Kind = DbcToken::Kind;

constexpr std::uint32_t kExtendedBit = 0x8000'0000;
constexpr std::uint32_t kStandardIdMax = 0x7ff;
constexpr std::uint32_t kExtendedIdMax = 0x1fff'ffff;
constexpr std::uint32_t kNoMessage = 0xc000'0000;  // VECTOR__INDEPENDENT_SIG_MSG.
constexpr std::size_t kLabelsBytesMax = 200;
constexpr std::size_t kNameBytesMax = 128;

template <class T>
std::optional<T> ToNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string Latin1ToUtf8(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += c;
    } else {
      result += static_cast<char>(0xc0 | byte >> 6);
      result += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return result;
}

// A string's text: without its escapes and control characters, as UTF-8.
std::string Text(std::string_view raw) {
  std::string plain;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size() && (raw[i + 1] == '"' || raw[i + 1] == '\\')) ++i;
    const auto byte = static_cast<unsigned char>(raw[i]);
    plain += byte < 0x20 || byte == 0x7f ? ' ' : raw[i];
  }
  return Utf8ValidBytes(plain) == plain.size() ? plain : Latin1ToUtf8(plain);
}

std::string Shown(const DbcToken& token) {
  if (token.kind == Kind::kEnd) return "the end of the file";
  if (token.kind == Kind::kString || token.kind == Kind::kOpenString) return "a string";
  return "'" + ToUtf8(token.text, 40) + "'";
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  DbcFile Parse() {
    while (lexer_.peek().kind != Kind::kEnd && file_.problems.size() < kDbcProblemsMax) {
      const int line = lexer_.peek().line;
      if (Status parsed = Statement(); parsed) continue;
      file_.problems.push_back(failed_);
      // The next line may be whole again.
      const int last = lexer_.peek().first ? line : std::max(line, lexer_.peek().line);
      while (lexer_.peek().kind != Kind::kEnd && lexer_.peek().line <= last) lexer_.Take();
    }
    for (DbcMessage& message : file_.messages) Finish(message);
    return std::move(file_);
  }

 private:
  // Failures of the text come with their line in `failed_`.
  Status Fail(int line, std::string text) {
    failed_ = {line, text};
    return Invalid(std::move(text));
  }
  Status Expected(const std::string& what) {
    const DbcToken& token = lexer_.peek();
    if (token.kind == Kind::kOpenString) return Fail(token.line, "a string that does not end");
    return Fail(token.line, what + " is expected, not " + Shown(token));
  }
  Status TakeMark(char mark) {
    if (!lexer_.peek().IsMark(mark)) return Expected(std::string("'") + mark + "'");
    lexer_.Take();
    return {};
  }
  Status TakeName(std::string& name) {
    if (lexer_.peek().kind != Kind::kWord) return Expected("a name");
    const DbcToken token = lexer_.Take();
    if (token.text.size() > kNameBytesMax) {
      return Fail(token.line, "a name is longer than " + std::to_string(kNameBytesMax) + " bytes");
    }
    name = token.text;
    return {};
  }
  Status TakeString(std::string& text) {
    if (lexer_.peek().kind != Kind::kString) return Expected("a string");
    text = Text(lexer_.Take().text);
    return {};
  }
  template <class T>
  Status TakeNumber(T& number, const char* what) {
    if (lexer_.peek().kind != Kind::kNumber) return Expected(what);
    const DbcToken token = lexer_.peek();
    const std::optional<T> value = ToNumber<T>(token.text);
    if (!value) return Expected(what);
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(*value)) return Expected(what);
    }
    lexer_.Take();
    number = *value;
    return {};
  }

  Status Statement() {
    const DbcToken& token = lexer_.peek();
    if (token.IsMark(';')) {
      lexer_.Take();
      return {};
    }
    if (token.kind != Kind::kWord) return Expected("a keyword");
    const DbcToken keyword = lexer_.Take();
    if (keyword.text == "BO_") return Message(keyword.line);
    if (keyword.text == "SG_") return Signal(keyword.line);
    if (keyword.text == "NS_") return NewSymbols();
    if (keyword.text == "VERSION" || keyword.text == "BS_") return SkipLine(keyword.line);
    if (keyword.text == "BU_") return Nodes(keyword.line);
    if (keyword.text == "VAL_") return Labels();
    if (keyword.text == "SIG_VALTYPE_") return ValueType();
    if (keyword.text == "SG_MUL_VAL_") return MultiplexValues();
    if (keyword.text == "BA_") return Attribute();
    if (keyword.text == "BA_DEF_DEF_") return AttributeDefault();
    return SkipStatement(keyword.line);
  }

  // The keywords that a file may use, each of them without its statement.
  Status NewSymbols() {
    if (Status mark = TakeMark(':'); !mark) return mark;
    while (lexer_.peek().kind == Kind::kWord && !lexer_.peek().Is("BS_") &&
           !lexer_.peek().Is("BU_") && !lexer_.peek().Is("BO_")) {
      lexer_.Take();
    }
    return {};
  }

  // Some tools break their list into lines.
  Status Nodes(int line) {
    if (Status line_skipped = SkipLine(line); !line_skipped) return line_skipped;
    while (lexer_.peek().kind == Kind::kWord && !lexer_.peek().text.ends_with('_')) lexer_.Take();
    return {};
  }

  Status SkipLine(int line) {
    while (lexer_.peek().kind != Kind::kEnd && lexer_.peek().line == line) {
      if (lexer_.peek().kind == Kind::kOpenString) return Expected("a string");
      lexer_.Take();
    }
    return {};
  }

  Status SkipStatement(int line) {
    for (; !lexer_.peek().IsMark(';'); lexer_.Take()) {
      const DbcToken& token = lexer_.peek();
      if (token.kind == Kind::kOpenString) return Expected("';'");
      // Nothing may be swallowed that matters.
      const bool next = token.first && (token.Is("BO_") || token.Is("SG_"));
      if (next || token.kind == Kind::kEnd)
        return Fail(line, "the statement has no ';' at its end");
    }
    lexer_.Take();
    return {};
  }

  Status Message(int line) {
    current_ = kLeftOut;  // Signals of a message that isn't understood are no news.
    DbcMessage message;
    message.line = line;
    std::uint32_t id = 0;
    if (Status taken = TakeNumber(id, "a message's id"); !taken) return taken;
    if (Status taken = TakeName(message.name); !taken) return taken;
    if (Status taken = TakeMark(':'); !taken) return taken;
    if (Status taken = TakeNumber(message.length, "a message's length"); !taken) return taken;
    if (lexer_.peek().kind == Kind::kWord && lexer_.peek().line == line) lexer_.Take();  // Sender.
    if (id == kNoMessage) return {};
    message.extended = (id & kExtendedBit) != 0;
    message.id = id & ~kExtendedBit;
    const std::uint32_t most = message.extended ? kExtendedIdMax : kStandardIdMax;
    if (message.id > most) {
      message.problems.push_back({line, "the id " + std::to_string(id) + " has more than " +
                                            (message.extended ? "29" : "11") + " bits"});
    }
    if (message.length < 0 || message.length > kPayloadBytesMax) {
      message.problems.push_back(
          {line, "a message has 0 to 64 bytes, not " + std::to_string(message.length)});
      message.length = std::clamp(message.length, 0, kPayloadBytesMax);
    }
    if (file_.messages.size() == kDbcMessagesMax) {
      return Fail(line, "there are more than " + std::to_string(kDbcMessagesMax) + " messages");
    }
    if (!by_id_.emplace(id, file_.messages.size()).second) {
      return Fail(line, "the id " + std::to_string(id) + " is there twice");
    }
    current_ = file_.messages.size();
    file_.messages.push_back(std::move(message));
    return {};
  }

  Status Signal(int line) {
    if (current_ == kNone) return Fail(line, "SG_ without a message before it");
    DbcSignal signal;
    signal.line = line;
    bool extended = false;
    if (Status taken = TakeName(signal.name); !taken) return taken;
    if (lexer_.peek().kind == Kind::kWord) {
      if (Status taken = Multiplexing(signal, extended); !taken) return taken;
    }
    if (Status taken = TakeMark(':'); !taken) return taken;
    if (Status taken = Layout(signal); !taken) return taken;
    if (Status taken = Scale(signal); !taken) return taken;
    if (Status taken = TakeString(signal.unit); !taken) return taken;
    if (Status taken = SkipLine(line); !taken) return taken;  // Receivers.
    if (current_ == kLeftOut) return {};
    if (++signals_ > kDbcSignalsMax) {
      return Fail(line, "there are more than " + std::to_string(kDbcSignalsMax) + " signals");
    }
    DbcMessage& message = file_.messages[current_];
    if (extended) {
      message.problems.push_back(
          {line, signal.name + ": a multiplexor that is multiplexed itself is not supported"});
    }
    message.signals.push_back(std::move(signal));
    return {};
  }

  // "M", "m3", or "m3M", which is refused by the message.
  Status Multiplexing(DbcSignal& signal, bool& extended) {
    const DbcToken token = lexer_.peek();
    std::string_view text = token.text;
    if (text == "M") {
      signal.multiplexor = true;
      lexer_.Take();
      return {};
    }
    extended = text.ends_with('M');
    if (extended) text.remove_suffix(1);
    if (!text.starts_with('m')) return Expected("'M', 'm' with a number, or ':'");
    signal.multiplex = ToNumber<std::uint64_t>(text.substr(1));
    if (!signal.multiplex) return Expected("'M', 'm' with a number, or ':'");
    lexer_.Take();
    return {};
  }

  // "24|16@1+".
  Status Layout(DbcSignal& signal) {
    SignalBits& bits = signal.bits;
    if (Status taken = TakeNumber(bits.start, "a start bit"); !taken) return taken;
    if (Status taken = TakeMark('|'); !taken) return taken;
    if (Status taken = TakeNumber(bits.length, "a length in bits"); !taken) return taken;
    if (Status taken = TakeMark('@'); !taken) return taken;
    int order = 0;
    if (Status taken = TakeNumber(order, "a byte order, 0 or 1"); !taken) return taken;
    if (order != 0 && order != 1) {
      return Fail(signal.line, "the byte order is 0 or 1, not " + std::to_string(order));
    }
    bits.order = order == 1 ? ByteOrder::kLittle : ByteOrder::kBig;
    const bool is_signed = lexer_.peek().IsMark('-');
    if (!is_signed && !lexer_.peek().IsMark('+')) return Expected("'+' or '-'");
    bits.type = is_signed ? RawType::kSigned : RawType::kUnsigned;
    lexer_.Take();
    return {};
  }

  // "(0.1,-40) [-40|215]".
  Status Scale(DbcSignal& signal) {
    if (Status taken = TakeMark('('); !taken) return taken;
    if (Status taken = TakeNumber(signal.factor, "a factor"); !taken) return taken;
    if (Status taken = TakeMark(','); !taken) return taken;
    if (Status taken = TakeNumber(signal.offset, "an offset"); !taken) return taken;
    if (Status taken = TakeMark(')'); !taken) return taken;
    double min = 0;
    double max = 0;
    if (Status taken = TakeMark('['); !taken) return taken;
    if (Status taken = TakeNumber(min, "a minimum"); !taken) return taken;
    if (Status taken = TakeMark('|'); !taken) return taken;
    if (Status taken = TakeNumber(max, "a maximum"); !taken) return taken;
    if (Status taken = TakeMark(']'); !taken) return taken;
    if (min < max) {
      signal.min = min;
      signal.max = max;
    }
    return {};
  }

  DbcMessage* ById(std::uint32_t id) {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &file_.messages[found->second];
  }
  static DbcSignal* ByName(DbcMessage* message, std::string_view name) {
    if (message == nullptr) return nullptr;
    const auto found = std::ranges::find(message->signals, name, &DbcSignal::name);
    return found == message->signals.end() ? nullptr : &*found;
  }

  // VAL_ 291 State 0 "Off" 1 "On" ; or VAL_ ENVIRONMENT_VARIABLE 0 "x" ;
  Status Labels() {
    const int line = lexer_.peek().line;
    if (lexer_.peek().kind == Kind::kWord) return SkipStatement(line);
    std::uint32_t id = 0;
    std::string name;
    if (Status taken = TakeNumber(id, "a message's id"); !taken) return taken;
    if (Status taken = TakeName(name); !taken) return taken;
    std::string labels;
    while (lexer_.peek().kind == Kind::kNumber) {
      std::string label(lexer_.Take().text);
      std::string text;
      if (Status taken = TakeString(text); !taken) return taken;
      label += " " + text;
      if (labels.size() + label.size() + 2 > kLabelsBytesMax) continue;
      labels += (labels.empty() ? "" : ", ") + label;
    }
    if (Status taken = TakeMark(';'); !taken) return taken;
    if (DbcSignal* signal = ByName(ById(id), name)) signal->labels = std::move(labels);
    return {};
  }

  // SIG_VALTYPE_ 291 Pressure : 1 ; (1: float, 2: double)
  Status ValueType() {
    std::uint32_t id = 0;
    std::string name;
    int type = 0;
    const int line = lexer_.peek().line;
    if (Status taken = TakeNumber(id, "a message's id"); !taken) return taken;
    if (Status taken = TakeName(name); !taken) return taken;
    if (lexer_.peek().IsMark(':')) lexer_.Take();
    if (Status taken = TakeNumber(type, "a value type, 0 to 2"); !taken) return taken;
    if (type < 0 || type > 2) {
      return Fail(line, "the value type is 0 to 2, not " + std::to_string(type));
    }
    if (Status taken = TakeMark(';'); !taken) return taken;
    DbcSignal* signal = ByName(ById(id), name);
    if (signal == nullptr || type == 0) return {};
    signal->bits.type = type == 1 ? RawType::kFloat32 : RawType::kFloat64;
    return {};
  }

  // SG_MUL_VAL_ 291 Flow Selector 3-3 ; says what m3 says, unless there is more than one range.
  Status MultiplexValues() {
    std::uint32_t id = 0;
    std::string name;
    std::string selector;
    const int line = lexer_.peek().line;
    if (Status taken = TakeNumber(id, "a message's id"); !taken) return taken;
    if (Status taken = TakeName(name); !taken) return taken;
    if (Status taken = TakeName(selector); !taken) return taken;
    DbcMessage* message = ById(id);
    const DbcSignal* signal = ByName(message, name);
    bool same = true;
    while (lexer_.peek().kind == Kind::kNumber) {
      std::uint64_t from = 0;
      if (Status taken = TakeNumber(from, "a range of values"); !taken) return taken;
      // "3-5" is cut into 3 and -5.
      const DbcToken token = lexer_.peek();
      if (token.kind != Kind::kNumber || !token.text.starts_with('-')) return Expected("'-'");
      const auto to = ToNumber<std::uint64_t>(token.text.substr(1));
      if (!to) return Expected("a range of values");
      lexer_.Take();
      same = same && signal != nullptr && signal->multiplex == from && from == *to;
      if (lexer_.peek().IsMark(',')) lexer_.Take();
    }
    if (Status taken = TakeMark(';'); !taken) return taken;
    if (signal != nullptr && !same) {
      message->problems.push_back(
          {line, name + ": a signal of several multiplexor values is not supported"});
    }
    return {};
  }

  // BA_ "GenMsgCycleTime" BO_ 291 100 ;
  Status Attribute() {
    const int line = lexer_.peek().line;
    std::string name;
    if (Status taken = TakeString(name); !taken) return taken;
    if (name != "GenMsgCycleTime" || !lexer_.peek().Is("BO_")) return SkipStatement(line);
    lexer_.Take();
    std::uint32_t id = 0;
    double cycle = 0;
    if (Status taken = TakeNumber(id, "a message's id"); !taken) return taken;
    if (Status taken = TakeNumber(cycle, "milliseconds"); !taken) return taken;
    if (Status taken = TakeMark(';'); !taken) return taken;
    if (DbcMessage* message = ById(id)) message->cycle = Cycle(cycle);
    return {};
  }

  Status AttributeDefault() {
    const int line = lexer_.peek().line;
    std::string name;
    if (Status taken = TakeString(name); !taken) return taken;
    if (name != "GenMsgCycleTime") return SkipStatement(line);
    double cycle = 0;
    if (Status taken = TakeNumber(cycle, "milliseconds"); !taken) return taken;
    default_cycle_ = Cycle(cycle);
    return TakeMark(';');
  }

  // Of an hour at most; 0 for messages that are sent on occasion.
  static std::chrono::milliseconds Cycle(double milliseconds) {
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(std::clamp(milliseconds, 0.0, 3'600'000.0)));
  }

  void Finish(DbcMessage& message) {
    if (!message.cycle) message.cycle = default_cycle_;
    std::map<std::string_view, int> lines;
    const DbcSignal* selector = nullptr;
    const auto problem = [&](const DbcSignal& signal, const std::string& text) {
      message.problems.push_back({signal.line, signal.name + ": " + text});
    };
    for (const DbcSignal& signal : message.signals) {
      if (const auto [known, added] = lines.emplace(signal.name, signal.line); !added) {
        problem(signal, "is there twice, in line " + std::to_string(known->second) + ", too");
      }
      if (const Status fits = CheckBits(signal.bits, message.length); !fits) {
        problem(signal, fits.error().text);
      }
      if (signal.factor == 0) problem(signal, "the factor must not be 0");
      if (!signal.multiplexor) continue;
      if (selector != nullptr) problem(signal, "is a second multiplexor, beside " + selector->name);
      selector = &signal;
    }
    for (const DbcSignal& signal : message.signals) {
      if (!signal.multiplex) continue;
      if (selector == nullptr) {
        problem(signal, "is multiplexed, and the message has no multiplexor");
      } else if (selector->bits.length < 64 && *signal.multiplex >> selector->bits.length != 0) {
        problem(signal, "m" + std::to_string(*signal.multiplex) + " is no value of " +
                            selector->name + ", which has " +
                            std::to_string(selector->bits.length) + " bits");
      }
    }
  }

  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::size_t kLeftOut = kNone - 1;

  DbcLexer lexer_;
  DbcFile file_;
  DbcProblem failed_;
  std::map<std::uint32_t, std::size_t> by_id_;  // As the file has them.
  std::size_t current_ = kNone;                 // The message that signals belong to.
  std::size_t signals_ = 0;
  std::optional<std::chrono::milliseconds> default_cycle_;
};

}  // namespace

DbcFile ParseDbc(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return Parser(text).Parse();
}

}  // namespace edgetwin::can
