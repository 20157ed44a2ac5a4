// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tail_bytes.h"

#include <bit>
#include <optional>

namespace edgetwin::store {
namespace {

using model::Value;
using model::ValueType;

constexpr int kDecimalsTried = 4;

std::optional<int> DecimalsOf(double value, std::int8_t declared) {
  if (declared >= 0 && model::ScaleExactly(value, declared)) return declared;
  for (int decimals = 0; decimals <= kDecimalsTried; ++decimals) {
    if (model::ScaleExactly(value, decimals)) return decimals;
  }
  return {};
}

}  // namespace

std::uint8_t FormOf(const Value& value, std::int8_t declared) {
  switch (value.type()) {
    case ValueType::kNone: return kFormNone;
    case ValueType::kBool: return value.boolean() ? kFormTrue : kFormFalse;
    case ValueType::kInt: return kFormInt;
    case ValueType::kDouble: {
      const std::optional<int> decimals = DecimalsOf(value.real(), declared);
      return decimals ? static_cast<std::uint8_t>(kFormScaled + *decimals) : std::uint8_t{kFormRaw};
    }
    case ValueType::kString:
    case ValueType::kBytes: return kFormText;
  }
  return kFormNone;
}

void WriteValue(Writer& out, const Value& value, std::uint8_t form) {
  switch (form) {
    case kFormNone:
    case kFormFalse:
    case kFormTrue: return;
    case kFormInt: return out.Signed(value.integer());
    case kFormRaw: return out.Fixed(std::bit_cast<std::uint64_t>(value.real()), 8);
    case kFormText: {
      const bool is_bytes = value.type() == ValueType::kBytes;
      const std::string& data = is_bytes ? value.bytes().data : value.text();
      out.Varint(std::uint64_t{data.size()} << 1 | (is_bytes ? 1u : 0u));
      return out.Raw(data);
    }
    default: return out.Signed(*model::ScaleExactly(value.real(), form - kFormScaled));
  }
}

Value ReadValue(Reader& in, std::uint8_t form) {
  switch (form) {
    case kFormNone: return Value();
    case kFormFalse: return Value(false);
    case kFormTrue: return Value(true);
    case kFormInt: return Value(in.Signed());
    case kFormRaw: return Value(std::bit_cast<double>(in.Fixed(8)));
    case kFormText: {
      const std::uint64_t head = in.Varint();
      std::string data(in.Raw(head >> 1));
      return (head & 1) != 0 ? Value(model::Bytes{std::move(data)}) : Value(std::move(data));
    }
    default: return Value(model::Unscale(in.Signed(), form - kFormScaled));
  }
}

}  // namespace edgetwin::store
