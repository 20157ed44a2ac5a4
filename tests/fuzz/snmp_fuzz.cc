// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What an agent says of an object, as a value of any type. The first bytes choose the type that it
// has for the agent and for us; the rest is the object. Whatever it was: a value is one that a twin
// can hold, and an error is text.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "drivers/snmp/conversion.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace {

using namespace edgetwin;               // NOLINT: this file is about nothing else.
using namespace edgetwin::snmp_driver;  // NOLINT

template <class Number>
Number NumberOf(const std::string& bytes) {
  Number number{};
  std::memcpy(&number, bytes.data(), std::min(sizeof number, bytes.size()));
  return number;
}

Data DataOf(Syntax syntax, const std::string& bytes) {
  switch (syntax) {
    case Syntax::kInteger: return {syntax, NumberOf<std::int64_t>(bytes)};
    case Syntax::kUnsigned:
    case Syntax::kCounter32:
    case Syntax::kCounter64:
    case Syntax::kTimeTicks: return {syntax, NumberOf<std::uint64_t>(bytes)};
    case Syntax::kFloat:
    case Syntax::kDouble: return {syntax, NumberOf<double>(bytes)};
    case Syntax::kOctets:
    case Syntax::kIpAddress:
    case Syntax::kOpaque: return {syntax, bytes};
    case Syntax::kOid: return {syntax, Oid(bytes.begin(), bytes.end())};
    default: return {syntax, {}};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto syntax = static_cast<Syntax>(data[0] % (static_cast<int>(Syntax::kOther) + 1));
  Conversion conversion;
  conversion.type = static_cast<model::ValueType>(1 + data[1] % 5);
  conversion.hex = (data[2] & 1) != 0;
  if ((data[2] & 2) != 0) conversion.scale = -1e300;
  if ((data[2] & 4) != 0) conversion.decimals = 2;
  conversion.names = {{1, "on"}, {2, "off"}};
  const std::string bytes(reinterpret_cast<const char*>(data + 3), size - 3);
  const Data object = DataOf(syntax, bytes);
  RowName(object);
  if (const Result<Oid> oid = ParseOid(bytes)) EDGETWIN_CHECK(*ParseOid(ToString(*oid)) == *oid);
  const Result<model::Value> value = ToValue(object, conversion);
  if (!value) {
    const std::string& text = value.error().text;
    EDGETWIN_CHECK(Utf8ValidBytes(text) == text.size());
    return 0;
  }
  EDGETWIN_CHECK(value->type() == conversion.type && model::Holdable(*value));
  // What was read can be written, unless the object's type can't.
  if (const Result<Data> back = ToData(*value, conversion, syntax); back) {
    EDGETWIN_CHECK(back->syntax == syntax);
  }
  return 0;
}
