// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/data_set.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <variant>

#include "drivers/mqtt/sparkplug_payload.h"
#include "sparkplug.pb.h"
#include "twin/base/utf8.h"

namespace edgetwin::mqtt_driver {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using model::Value;

// How many fields of these numbers there are in the message; `inner`, in those of `nested` as well.
// Before they are made: a cell of two bytes takes forty in memory.
std::size_t FieldsIn(CodedInputStream& input, std::initializer_list<int> numbers, int nested = 0) {
  std::size_t count = 0;
  while (const std::uint32_t tag = input.ReadTag()) {
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    if (std::ranges::count(numbers, number) > 0) ++count;
    int size = 0;
    if (number == nested &&
        WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!input.ReadVarintSizeAsInt(&size)) break;
      const auto outer = input.PushLimit(size);
      count += FieldsIn(input, {sparkplug::DataSet_Row::kElementsFieldNumber});
      if (input.BytesUntilLimit() > 0 && !input.Skip(input.BytesUntilLimit())) break;
      input.PopLimit(outer);
    } else if (!WireFormatLite::SkipField(&input, tag)) {
      break;  // What the parser refuses, too.
    }
  }
  return count;
}

Result<std::string> TextJson(const std::string& text) {
  if (Utf8ValidBytes(text) != text.size()) return Corrupt("a data set's text is not UTF-8");
  return ToJson(Value(text));
}

std::string RealJson(double real) {
  return std::isfinite(real) ? ToJson(Value(real)) : "null";
}

Result<std::string> CellJson(const sparkplug::DataSet_Value& cell, DataType type) {
  using Case = sparkplug::DataSet_Value::ValueCase;
  const auto whole = [&](std::uint64_t bits, bool is_long) -> std::string {
    const extract::Scalar scalar = WholeOf(bits, is_long, type);
    if (const auto* flag = std::get_if<bool>(&scalar)) return *flag ? "true" : "false";
    if (const auto* large = std::get_if<std::uint64_t>(&scalar)) return std::to_string(*large);
    return std::to_string(std::get<std::int64_t>(scalar));
  };
  switch (cell.value_case()) {
    case Case::kIntValue: return whole(cell.int_value(), false);
    case Case::kLongValue: return whole(cell.long_value(), true);
    case Case::kFloatValue: return RealJson(static_cast<double>(cell.float_value()));
    case Case::kDoubleValue: return RealJson(cell.double_value());
    case Case::kBooleanValue: return std::string(cell.boolean_value() ? "true" : "false");
    case Case::kStringValue: return TextJson(cell.string_value());
    case Case::VALUE_NOT_SET: break;
  }
  return std::string("null");
}

// The columns' names as JSON.
Result<std::vector<std::string>> HeadOf(const sparkplug::DataSet& set) {
  std::set<std::string_view> names;
  std::vector<std::string> head;
  for (const std::string& name : set.columns()) {
    Result<std::string> json = TextJson(name);
    if (!json) return json.error();
    if (!names.insert(name).second) {
      return Corrupt("a data set has two columns " + extract::Shown(name));
    }
    head.push_back(*std::move(json));
  }
  if (set.types_size() != set.columns_size()) {
    return Corrupt("a data set has " + std::to_string(set.columns_size()) + " columns, but " +
                   std::to_string(set.types_size()) + " types");
  }
  return head;
}

}  // namespace

Result<std::string> DataSetJson(std::string_view bytes) {
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                         static_cast<int>(bytes.size()));
  constexpr int kRows = sparkplug::DataSet::kRowsFieldNumber;
  if (FieldsIn(input, {sparkplug::DataSet::kColumnsFieldNumber, kRows}, kRows) > kDataSetCellsMax) {
    return Exhausted("a data set has more than " + std::to_string(kDataSetCellsMax) +
                     " rows, columns and cells");
  }
  sparkplug::DataSet set;
  if (!set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Corrupt("no data set in " + std::to_string(bytes.size()) + " bytes");
  }
  const Result<std::vector<std::string>> head = HeadOf(set);
  if (!head) return head.error();
  std::string json;
  for (const sparkplug::DataSet_Row& row : set.rows()) {
    if (row.elements_size() != set.columns_size()) {
      return Corrupt("a data set of " + std::to_string(set.columns_size()) +
                     " columns has a row of " + std::to_string(row.elements_size()));
    }
    json += json.empty() ? "[{" : ",{";
    for (int i = 0; i < row.elements_size(); ++i) {
      const Result<std::string> cell =
          CellJson(row.elements(i), static_cast<DataType>(set.types(i)));
      if (!cell) return cell.error();
      json += (i > 0 ? "," : "") + (*head)[static_cast<std::size_t>(i)] + ":" + *cell;
    }
    json += "}";
    if (json.size() > kDataSetJsonBytesMax) {  // Each row has all of the columns' names.
      return Exhausted("a data set has more than " + std::to_string(kDataSetJsonBytesMax) +
                       " bytes of JSON");
    }
  }
  return json.empty() ? "[]" : json + "]";
}

}  // namespace edgetwin::mqtt_driver
