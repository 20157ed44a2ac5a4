// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/conversion.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "drivers/sdk/policy.h"
#include "twin/base/utf8.h"

namespace edgetwin::snmp_driver {
namespace {

using model::Value;
using model::ValueType;

constexpr std::size_t kShownBytesMax = 40;
constexpr std::size_t kIpv4Bytes = 4;
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!text.empty()) text += ':';
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0xf];
  }
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Pairs of digits, with a ':', '-' or blank between two pairs or nothing.
std::optional<std::string> FromHex(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (!bytes.empty() && (text[0] == ':' || text[0] == '-' || text[0] == ' ')) {
      text.remove_prefix(1);
    }
    if (text.size() < 2) return {};
    const int high = HexDigit(text[0]);
    const int low = HexDigit(text[1]);
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high * 16 + low);
    text.remove_prefix(2);
  }
  return bytes;
}

std::string DottedQuad(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    if (!text.empty()) text += '.';
    text += std::to_string(static_cast<unsigned char>(c));
  }
  return text;
}

// Agents in C send their strings' ends, too.
std::string_view WithoutZeros(std::string_view text) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return text;
}

// All of `text` but for blanks around it: agents without floats say numbers so.
template <class Number>
std::optional<Number> Parsed(std::string_view text) {
  text = WithoutZeros(text);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  Number number{};
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || at != text.data() + text.size()) return {};
  return number;
}

Error Not(std::string_view wanted, const Data& data) {
  return Corrupt("is " + ShownData(data) + ", not " + std::string(wanted));
}

std::optional<std::int64_t> ToWhole(const Data& data) {
  if (const auto* whole = std::get_if<std::int64_t>(&data.value)) return *whole;
  if (const auto* natural = std::get_if<std::uint64_t>(&data.value)) {
    if (*natural > std::numeric_limits<std::int64_t>::max()) return {};
    return static_cast<std::int64_t>(*natural);
  }
  if (data.syntax != Syntax::kOctets) return {};
  return Parsed<std::int64_t>(std::get<std::string>(data.value));
}

std::optional<double> ToReal(const Data& data) {
  if (const auto* whole = std::get_if<std::int64_t>(&data.value)) {
    return static_cast<double>(*whole);
  }
  if (const auto* natural = std::get_if<std::uint64_t>(&data.value)) {
    return static_cast<double>(*natural);
  }
  if (const auto* real = std::get_if<double>(&data.value)) return *real;
  if (data.syntax != Syntax::kOctets) return {};
  return Parsed<double>(std::get<std::string>(data.value));
}

Result<Value> ToDouble(const Data& data, const Conversion& conversion) {
  const std::optional<double> raw = ToReal(data);
  if (!raw || !std::isfinite(*raw)) return Not("a number", data);
  const double value = *raw * conversion.scale + conversion.offset;
  if (!std::isfinite(value)) return Not("a number that scale and offset leave finite", data);
  return Value(driver::Rounded(value, conversion.decimals));
}

Result<Value> ToText(const Data& data, const Conversion& conversion) {
  std::string text;
  if (const auto* bytes = std::get_if<std::string>(&data.value)) {
    if (data.syntax == Syntax::kIpAddress) {
      text = DottedQuad(*bytes);
    } else if (conversion.hex) {
      text = Hex(*bytes);
    } else if (data.syntax == Syntax::kOctets) {
      text = WithoutZeros(*bytes);
    } else {
      return Not("text", data);
    }
  } else if (const auto* oid = std::get_if<Oid>(&data.value)) {
    text = ToString(*oid);
  } else if (const auto* real = std::get_if<double>(&data.value)) {
    text = Format(Value(*real));
  } else if (const std::optional<std::int64_t> whole = ToWhole(data)) {
    const auto name = conversion.names.find(*whole);
    text = name == conversion.names.end() ? std::to_string(*whole) : name->second;
  } else if (const auto* natural = std::get_if<std::uint64_t>(&data.value)) {
    text = std::to_string(*natural);
  } else {
    return Not("text", data);
  }
  Value value(std::move(text));
  if (!model::Holdable(value)) return Not("UTF-8 of at most 16 KiB", data);
  return value;
}

Result<Value> ToBool(const Data& data, const Conversion& conversion) {
  const std::optional<std::int64_t> whole = ToWhole(data);
  if (whole == conversion.true_number) return Value(true);
  if (whole == conversion.false_number) return Value(false);
  return Not(std::to_string(conversion.true_number) + " (true) or " +
                 std::to_string(conversion.false_number) + " (false)",
             data);
}

Result<Value> ToBytes(const Data& data) {
  const auto* bytes = std::get_if<std::string>(&data.value);
  if (bytes == nullptr) return Not("bytes", data);
  Value value(model::Bytes{*bytes});
  if (!model::Holdable(value)) return Not("at most 16 KiB", data);
  return value;
}

// --- what is set

// The number that would be read as `value`, for the integer syntaxes.
Result<double> Number(const Value& value, const Conversion& conversion) {
  switch (value.type()) {
    case ValueType::kBool:
      return static_cast<double>(value.boolean() ? conversion.true_number
                                                 : conversion.false_number);
    case ValueType::kDouble: return (value.real() - conversion.offset) / conversion.scale;
    case ValueType::kString:
      for (const auto& [number, name] : conversion.names) {
        if (name == value.text()) return static_cast<double>(number);
      }
      return Invalid(Shown(value.text()) + " is none of the names in 'values'");
    default: return Invalid(Shown(Format(value)) + " is no number");
  }
}

Result<std::int64_t> Whole(const Value& value, const Conversion& conversion, std::int64_t min,
                           std::int64_t max, Syntax syntax) {
  std::int64_t whole = 0;
  if (value.type() == ValueType::kInt) {
    whole = value.integer();
  } else {
    const Result<double> number = Number(value, conversion);
    if (!number) return number.error();
    // 2^63 as a double is one more than the largest integer.
    if (!(std::abs(*number) < 9.2e18))
      whole = std::numeric_limits<std::int64_t>::min();
    else
      whole = std::llround(*number);
  }
  if (whole < min || whole > max) {
    return Invalid(Format(value) + " doesn't fit an object of type " +
                   std::string(ToString(syntax)) + ", " + std::to_string(min) + " to " +
                   std::to_string(max));
  }
  return whole;
}

Result<Data> WholeData(const Value& value, const Conversion& conversion, Syntax syntax) {
  if (syntax == Syntax::kInteger) {
    const Result<std::int64_t> whole =
        Whole(value, conversion, std::numeric_limits<std::int32_t>::min(),
              std::numeric_limits<std::int32_t>::max(), syntax);
    if (!whole) return whole.error();
    return Data{syntax, *whole};
  }
  const std::int64_t max = syntax == Syntax::kCounter64
                               ? std::numeric_limits<std::int64_t>::max()
                               : std::int64_t{std::numeric_limits<std::uint32_t>::max()};
  const Result<std::int64_t> whole = Whole(value, conversion, 0, max, syntax);
  if (!whole) return whole.error();
  return Data{syntax, static_cast<std::uint64_t>(*whole)};
}

Result<Data> OctetsData(const Value& value, const Conversion& conversion) {
  switch (value.type()) {
    case ValueType::kBytes: return Data{Syntax::kOctets, value.bytes().data};
    case ValueType::kString: {
      if (!conversion.hex) return Data{Syntax::kOctets, value.text()};
      std::optional<std::string> bytes = FromHex(value.text());
      if (!bytes) return Invalid(Shown(value.text()) + " is not hexadecimal, such as 00:1b:c5");
      return Data{Syntax::kOctets, *std::move(bytes)};
    }
    case ValueType::kInt: return Data{Syntax::kOctets, std::to_string(value.integer())};
    case ValueType::kDouble: {
      const Result<double> number = Number(value, conversion);
      if (!number) return number.error();
      return Data{Syntax::kOctets, Format(Value(*number))};
    }
    default: return Invalid(Format(value) + " can't be an OCTET STRING");
  }
}

Result<Data> TextData(const Value& value, Syntax syntax) {
  if (value.type() != ValueType::kString) {
    return Invalid(Shown(Format(value)) + " can't be an object of type " +
                   std::string(ToString(syntax)) + "; the property must be a string");
  }
  if (syntax == Syntax::kOid) {
    Result<Oid> oid = ParseOid(value.text());
    if (!oid) return oid.error();
    return Data{syntax, *std::move(oid)};
  }
  in_addr address{};
  if (inet_pton(AF_INET, value.text().c_str(), &address) != 1) {
    return Invalid(Shown(value.text()) + " is no IPv4 address");
  }
  std::string bytes;
  for (std::size_t i = 0; i < kIpv4Bytes; ++i) {
    bytes += static_cast<char>(ntohl(address.s_addr) >> (8 * (kIpv4Bytes - 1 - i)) & 0xff);
  }
  return Data{syntax, std::move(bytes)};
}

Result<Data> RealData(const Value& value, const Conversion& conversion, Syntax syntax) {
  if (value.type() == ValueType::kInt) return Data{syntax, static_cast<double>(value.integer())};
  const Result<double> number = Number(value, conversion);
  if (!number) return number.error();
  if (!std::isfinite(*number)) return Invalid(Format(value) + " is not finite");
  return Data{syntax, *number};
}

}  // namespace

std::string ShownData(const Data& data) {
  std::string text(ToString(data.syntax));
  if (const auto* whole = std::get_if<std::int64_t>(&data.value)) {
    text += " " + std::to_string(*whole);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&data.value)) {
    text += " " + std::to_string(*natural);
  } else if (const auto* real = std::get_if<double>(&data.value)) {
    text += " " + Format(Value(*real));
  } else if (const auto* bytes = std::get_if<std::string>(&data.value)) {
    text += " " + Shown(*bytes);
  }
  return text;
}

std::string Shown(std::string_view text) {
  std::string words;
  for (const char c : ToUtf8(text, kShownBytesMax)) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F are controls as well, and begin with 0xc2.
    const bool control = byte < 0x20 || byte == 0x7f || (byte < 0xa0 && words.ends_with('\xc2'));
    if (control && byte >= 0x80) words.pop_back();
    words += control ? '?' : c;
  }
  return "'" + words + (text.size() > kShownBytesMax ? "…'" : "'");
}

Result<Value> ToValue(const Data& data, const Conversion& conversion) {
  switch (data.syntax) {
    case Syntax::kNoSuchObject: return NotFound("the agent has no such object");
    case Syntax::kNoSuchInstance: return NotFound("the agent has no such instance of the object");
    case Syntax::kEndOfMibView: return NotFound("the agent has nothing there (endOfMibView)");
    case Syntax::kNull: return Corrupt("is NULL, not a value");
    case Syntax::kOther: return Corrupt("has a type that can't be read");
    default: break;
  }
  switch (conversion.type) {
    case ValueType::kBool: return ToBool(data, conversion);
    case ValueType::kDouble: return ToDouble(data, conversion);
    case ValueType::kString: return ToText(data, conversion);
    case ValueType::kBytes: return ToBytes(data);
    default: break;
  }
  const std::optional<std::int64_t> whole = ToWhole(data);
  if (!whole) return Not("a whole number of 64 bits", data);
  return Value(*whole);
}

Result<Data> ToData(const Value& value, const Conversion& conversion, Syntax syntax) {
  switch (syntax) {
    case Syntax::kInteger:
    case Syntax::kUnsigned:
    case Syntax::kCounter32:
    case Syntax::kCounter64:
    case Syntax::kTimeTicks: return WholeData(value, conversion, syntax);
    case Syntax::kOctets: return OctetsData(value, conversion);
    case Syntax::kOid:
    case Syntax::kIpAddress: return TextData(value, syntax);
    case Syntax::kFloat:
    case Syntax::kDouble: return RealData(value, conversion, syntax);
    default:
      return Unsupported("an object of type " + std::string(ToString(syntax)) + " can't be set");
  }
}

std::optional<std::string> RowName(const Data& data) {
  if (data.syntax == Syntax::kOctets) {
    return std::string(WithoutZeros(std::get<std::string>(data.value)));
  }
  if (const auto* oid = std::get_if<Oid>(&data.value)) return ToString(*oid);
  if (const auto* bytes = std::get_if<std::string>(&data.value)) {
    if (data.syntax == Syntax::kIpAddress) return DottedQuad(*bytes);
    return {};
  }
  if (const auto* natural = std::get_if<std::uint64_t>(&data.value)) {
    return std::to_string(*natural);
  }
  if (const auto* whole = std::get_if<std::int64_t>(&data.value)) return std::to_string(*whole);
  return {};
}

}  // namespace edgetwin::snmp_driver
