// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/data_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "drivers/mqtt/testing/encode.h"
#include "drivers/mqtt/testing/tahu_payloads.h"
#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::mqtt_driver {
namespace {

using driver::testing::CodeOf;
using model::Value;
using model::ValueType;

extract::Conversion As(ValueType type) {
  extract::Conversion conversion;
  conversion.type = type;
  return conversion;
}
extract::PointerPlace At(const std::string& text) {
  return {*extract::ParsePointer(text), text};
}
// As JSON, or why it is none.
std::string Json(const sparkplug::DataSet& set) {
  const Result<std::string> json = DataSetJson(set.SerializeAsString());
  return json ? *json : std::string(ToString(json.error().code)) + ": " + json.error().text;
}
sparkplug::DataSet_Value& Cell(sparkplug::DataSet& set) {
  return *set.mutable_rows(set.rows_size() - 1)->add_elements();
}
// Of `rows` rows of one cell each.
sparkplug::DataSet Column(const std::string& name, std::size_t rows) {
  sparkplug::DataSet set = TableOf({{name, DataType::kInt32}});
  for (std::size_t i = 0; i < rows; ++i) {
    set.add_rows();
    Cell(set).set_int_value(7);
  }
  return set;
}

TEST(SparkplugDataSetTest, OfTheirEncoderIsAListOfRows) {
  const auto payload = DecodePayload(TheirPayloads()["tables"]);
  ASSERT_TRUE(payload) << payload.error().text;
  const Metric& metric = payload->metrics.at(0);
  EXPECT_EQ(ValueOf(metric, DataType::kUnknown, As(ValueType::kString)),
            Value(std::string(R"([{"Int":-3,"Real":0.5,"On":true,"Text":"a\"b"},)"
                              R"({"Int":4,"Real":-1.25,"On":false,"Text":"h)"
                              "\u00e4\"}]")));
  EXPECT_EQ(ValueAt(metric, At("/0/Int"), As(ValueType::kInt)), Value(std::int64_t{-3}));
  EXPECT_EQ(ValueAt(metric, At("/1/Real"), As(ValueType::kDouble)), Value(-1.25));
  EXPECT_EQ(ValueAt(metric, At("/0/On"), As(ValueType::kBool)), Value(true));
  EXPECT_EQ(CodeOf(ValueAt(metric, At("/2/On"), As(ValueType::kBool))), ErrorCode::kNotFound);
  EXPECT_EQ(ValueOf(metric, DataType::kUnknown, As(ValueType::kInt)).error().text,
            "is a data set, which is a string of JSON, or has a value where a 'pointer' says");
}

TEST(SparkplugDataSetTest, PointersPointIntoTextsOfJsonToo) {
  const Metric text = Named("m", DataType::kString, std::string(R"({"a":[1,2]})"));
  EXPECT_EQ(ValueAt(text, At("/a/1"), As(ValueType::kInt)), Value(std::int64_t{2}));
  const Metric plain = Named("m", DataType::kString, std::string("no"));
  EXPECT_FALSE(ValueAt(plain, At("/a"), As(ValueType::kInt)));
  EXPECT_EQ(ValueAt(Named("m", DataType::kDouble, 1.0), At(""), As(ValueType::kInt)).error().text,
            "is neither a data set nor a text, where a pointer could point to something");
}

TEST(SparkplugDataSetTest, CellsHaveTheTypeOfTheirColumn) {
  sparkplug::DataSet set = TableOf({{"i8", DataType::kInt8},
                                    {"u64", DataType::kUInt64},
                                    {"f", DataType::kFloat},
                                    {"nan", DataType::kDouble},
                                    {"none", DataType::kString},
                                    {"on", DataType::kBoolean}});
  EXPECT_EQ(Json(set), "[]");
  set.add_rows();
  Cell(set).set_int_value(0xff);
  Cell(set).set_long_value(~std::uint64_t{0});
  Cell(set).set_float_value(1.5F);
  Cell(set).set_double_value(std::numeric_limits<double>::quiet_NaN());
  (void)Cell(set);
  Cell(set).set_int_value(1);
  EXPECT_EQ(Json(set), R"([{"i8":-1,"u64":18446744073709551615,"f":1.5,"nan":null,"none":null,)"
                       R"("on":true}])");
}

TEST(SparkplugDataSetTest, WhatIsNoTableIsRefused) {
  EXPECT_EQ(DataSetJson("\xff").error().text, "no data set in 1 bytes");
  sparkplug::DataSet set = Column("a", 1);
  (void)Cell(set);
  EXPECT_EQ(Json(set), "corrupt: a data set of 1 columns has a row of 2");
  set = Column("a", 1);
  set.add_types(1);
  EXPECT_EQ(Json(set), "corrupt: a data set has 1 columns, but 2 types");
  EXPECT_EQ(Json(TableOf({{"a", DataType::kInt8}, {"a", DataType::kInt8}})),
            "corrupt: a data set has two columns 'a'");
  EXPECT_EQ(Json(Column("\xff", 0)), "corrupt: a data set's text is not UTF-8");
  set = TableOf({{"a", DataType::kString}});
  set.add_rows();
  Cell(set).set_string_value("\xff");
  EXPECT_EQ(Json(set), "corrupt: a data set's text is not UTF-8");
}

TEST(SparkplugDataSetTest, TooManyCellsAreRefusedBeforeTheyAreMade) {
  constexpr std::size_t kRows = (kDataSetCellsMax - 1) / 2;  // A row and its cell each.
  EXPECT_TRUE(DataSetJson(Column("a", kRows).SerializeAsString()));
  EXPECT_EQ(CodeOf(DataSetJson(Column("a", kRows + 1).SerializeAsString())), ErrorCode::kExhausted);
  sparkplug::DataSet columns;
  for (std::size_t i = 0; i <= kDataSetCellsMax; ++i) columns.add_columns("a");
  EXPECT_EQ(CodeOf(DataSetJson(columns.SerializeAsString())), ErrorCode::kExhausted);
}

TEST(SparkplugDataSetTest, ItsJsonIsNoLongerThanAMessage) {
  const std::string name(kDataSetJsonBytesMax / 100, 'a');
  EXPECT_TRUE(DataSetJson(Column(name, 99).SerializeAsString()));
  const auto longer = DataSetJson(Column(name, 1'000).SerializeAsString());
  EXPECT_EQ(CodeOf(longer), ErrorCode::kExhausted) << "each row has the column's name";
}

TEST(SparkplugDataSetTest, MoreThanATwinHoldsHasOnlyItsCells) {
  const Metric metric =
      Named("m", DataType::kDataSet, DataSet{Column("a", 4'000).SerializeAsString()});
  const auto whole = ValueOf(metric, DataType::kUnknown, As(ValueType::kString));
  EXPECT_EQ(
      whole.error().text,
      "is a data set of 32001 bytes of JSON, more than a twin can hold; a 'pointer' picks one "
      "value");
  EXPECT_EQ(ValueAt(metric, At("/3999/a"), As(ValueType::kInt)), Value(std::int64_t{7}));
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
