// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/sparkplug_payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drivers/mqtt/testing/encode.h"
#include "drivers/mqtt/testing/tahu_payloads.h"
#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::mqtt_driver {
namespace {

using driver::testing::CodeOf;
using model::Value;
using model::ValueType;
using Type = SparkplugTopic::Type;

extract::Conversion As(ValueType type) {
  extract::Conversion conversion;
  conversion.type = type;
  return conversion;
}
template <class T>
Value Read(DataType type, T value, ValueType as = ValueType::kInt) {
  const Result<Value> read = ValueOf(Named("m", type, value), DataType::kUnknown, As(as));
  return read ? *read : Value(read.error().text);
}
Value Int(std::int64_t value) {
  return Value(value);
}

TEST(SparkplugTopicTest, IsOfANodeOrADevice) {
  const auto node = ParseSparkplugTopic("spBv1.0/G/NBIRTH/N");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->type, Type::kNodeBirth);
  EXPECT_EQ(node->node, "G/N");
  EXPECT_EQ(node->device, "");
  const auto device = ParseSparkplugTopic("spBv1.0/G/DDATA/N/D");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->type, Type::kDeviceData);
  EXPECT_EQ(device->device, "D");
  for (const char* topic :
       {"", "/", "spBv1.0", "spBv1.0/G/NBIRTH", "spBv1.0/G/NBIRTH/N/D", "spBv1.0/G/DBIRTH/N",
        "spBv1.0/G/DBIRTH/N/D/", "spBv1.0/G/DBIRTH/N/D/x", "spBv1.0//NDATA/N", "spBv1.0/G/NCMD/N",
        "spBv1.0/STATE/host", "spAv1.0/G/NDATA/N", "spBv1.0/G/NDATA/"}) {
    EXPECT_FALSE(ParseSparkplugTopic(topic)) << topic;
  }
  EXPECT_EQ(CommandTopic("G/N", ""), "spBv1.0/G/NCMD/N");
  EXPECT_EQ(CommandTopic("G/N", "D"), "spBv1.0/G/DCMD/N/D");
}

// By hand, from the schema in chapter 6.4: what a program of somebody else's puts on the wire.
TEST(SparkplugPayloadTest, ReadsTheWire) {
  const unsigned char bytes[] = {0x08, 0x80, 0xad, 0xe2, 0x04,  // timestamp 10,000,000
                                 0x12, 0x18,                    // a metric of 24 bytes
                                 0x0a, 0x01, 'T',               // name
                                 0x10, 0x07,                    // alias
                                 0x18, 0x05,                    // timestamp
                                 0x20, 0x0a,                    // datatype Double
                                 0x28, 0x01,                    // is_historical
                                 0x42, 0x02, 0x08, 0x01,        // metadata, which is skipped
                                 0x69, 0,    0,    0,    0,
                                 0,    0,    0xf8, 0x3f,  // double_value 1.5
                                 0x18, 0xff, 0x01,        // seq 255
                                 0x22, 0x01, 'u'};        // uuid, which is skipped
  const auto payload = DecodePayload({reinterpret_cast<const char*>(bytes), std::size(bytes)});
  ASSERT_TRUE(payload) << payload.error().text;
  EXPECT_EQ(payload->time_ms, 10'000'000U);
  EXPECT_EQ(payload->seq, 255U);
  ASSERT_EQ(payload->metrics.size(), 1U);
  const Metric& metric = payload->metrics[0];
  EXPECT_EQ(metric.name, "T");
  EXPECT_EQ(metric.alias, 7U);
  EXPECT_EQ(metric.time_ms, 5U);
  EXPECT_EQ(metric.type, DataType::kDouble);
  EXPECT_TRUE(metric.historical);
  EXPECT_FALSE(metric.null);
  EXPECT_EQ(std::get<double>(metric.value), 1.5);
}

TEST(SparkplugInteropTest, ReadsWhatTheirEncoderWrites) {
  const auto payload = DecodePayload(TheirPayloads()["birth"]);
  ASSERT_TRUE(payload) << payload.error().text;
  EXPECT_EQ(payload->time_ms, 1'700'000'000'000U);
  EXPECT_EQ(payload->seq, 0U);
  const std::map<std::string, Value> expected = {
      {"int8", Int(-5)},
      {"int16", Int(-300)},
      {"int32", Int(-70'000)},
      {"int64", Int(-5'000'000'000)},
      {"uint8", Int(250)},
      {"uint16", Int(65'000)},
      {"uint32", Int(4'000'000'000)},
      {"uint64", Int(5'000'000'000)},
      {"float", Value(1.25)},
      {"double", Value(-0.1)},
      {"boolean", Value(true)},
      {"string", Value(std::string("h\u00e4ll\u00f3"))},
      {"datetime", Int(1'700'000'000'000)},
      {"text", Value(std::string("text"))},
      {"uuid", Value(std::string("7d444840-9dc0-11d1-b245-5ffdce74fad2"))},
      {"bytes", Value(model::Bytes{std::string("\0\xff\x07", 3)})},
      {"file", Value(model::Bytes{"\x01"})}};
  std::size_t read = 0;
  for (const Metric& metric : payload->metrics) {
    EXPECT_EQ(metric.time_ms, 1'700'000'000'000U) << *metric.name;
    EXPECT_TRUE(metric.alias && metric.type) << *metric.name;
    EXPECT_EQ(metric.null, metric.name == "null");
    const auto value = expected.find(*metric.name);
    if (value == expected.end()) {
      EXPECT_FALSE(ValueOf(metric, DataType::kUnknown, As(ValueType::kDouble))) << *metric.name;
      continue;
    }
    ++read;
    EXPECT_EQ(ValueOf(metric, DataType::kUnknown, As(value->second.type())).value(), value->second)
        << *metric.name;
  }
  EXPECT_EQ(read, expected.size());
  const auto historical = DecodePayload(TheirPayloads()["historical"]);
  ASSERT_TRUE(historical);
  EXPECT_EQ(historical->seq, 255U);
  EXPECT_TRUE(historical->metrics.at(0).historical);
}

TEST(SparkplugInteropTest, TheirDecoderUnderstandsOurCommands) {
  constexpr std::uint64_t kTime = 1'700'000'000'000;
  const auto command = [](std::string_view name, DataType type, const Value& value) {
    return EncodeCommand({std::string(name), type, {}}, value, As(value.type()), kTime).value();
  };
  const CommandTarget member{
      "Speed", DataType::kUInt16, {{"Pair", {"Two", "", false}}, {"Left", {"Motor", "1", false}}}};
  const std::map<std::string, std::string> ours = {
      {"command rebirth", EncodeRebirth(kTime)},
      {"command setpoint", command("Set/Point", DataType::kFloat, Value(21.5))},
      {"command count", command("count", DataType::kInt16, Int(-300))},
      {"command label", command("label", DataType::kUnknown, Value(std::string("hall")))},
      {"command member", EncodeCommand(member, Int(7), As(ValueType::kInt), kTime).value()}};
  std::map<std::string, std::string> theirs = TheirPayloads();
  for (const auto& [name, bytes] : ours) {
    EXPECT_EQ(theirs[name], bytes) << name << " " << Format(Value(model::Bytes{bytes}));
  }
}

TEST(SparkplugTemplateTest, MembersOfTheirInstancesAreMetrics) {
  const auto payload = DecodePayload(TheirPayloads()["templates"]);
  ASSERT_TRUE(payload) << payload.error().text;
  const auto& metrics = payload->metrics;
  std::vector<std::pair<std::string, std::optional<std::size_t>>> names;
  for (const Metric& metric : metrics) names.emplace_back(*metric.name, metric.parent);
  using None = std::optional<std::size_t>;
  EXPECT_THAT(names,
              ::testing::ElementsAre(std::pair("Motor", None()), std::pair("Line/M1", None()),
                                     std::pair("Speed", None(1)), std::pair("Pair", None()),
                                     std::pair("Left", None(3)), std::pair("Speed", None(4)),
                                     std::pair("On", None(4)), std::pair("Right", None(3)),
                                     std::pair("Speed", None(7))))
      << "but for the definition's, which are defaults";
  EXPECT_TRUE(std::get<Template>(metrics[0].value).definition);
  EXPECT_EQ(std::get<Template>(metrics[1].value).ref, "Motor");
  EXPECT_EQ(std::get<Template>(metrics[1].value).version, "1");
  EXPECT_EQ(ValueOf(metrics[2], DataType::kUnknown, As(ValueType::kInt)), Int(4'000'000'000));
  EXPECT_EQ(ValueOf(metrics[6], DataType::kUnknown, As(ValueType::kBool)), Value(true));
  EXPECT_EQ(ValueOf(metrics[1], DataType::kUnknown, As(ValueType::kInt)).error().text,
            "is a template, whose members are metrics: '<its name>/<member>'");
}

// So many instances in each other, with one value in the innermost.
std::string Nested(std::size_t depth) {
  Payload payload;
  payload.metrics.push_back(Instance("t", "T"));
  while (payload.metrics.size() < depth) {
    payload.metrics.push_back(In(payload.metrics.size() - 1, Instance("t", "T")));
  }
  payload.metrics.push_back(In(depth - 1, Named("v", DataType::kDouble, 1.5)));
  return Encode(payload);
}

TEST(SparkplugTemplateTest, TooDeepIsRefusedBeforeItIsMade) {
  PayloadLimits limits;
  const auto deep = DecodePayload(Nested(kTemplateDepthMax), limits);
  ASSERT_TRUE(deep) << deep.error().text;
  EXPECT_EQ(deep->metrics.size(), kTemplateDepthMax + 1);
  EXPECT_EQ(limits.depth.Report("").used, kTemplateDepthMax);
  EXPECT_EQ(limits.depth.hits(), 0U);
  const auto deeper = DecodePayload(Nested(kTemplateDepthMax + 1), limits);
  EXPECT_EQ(CodeOf(deeper), ErrorCode::kExhausted);
  EXPECT_EQ(deeper.error().text, "the payload has templates in each other, more than 8 deep");
  EXPECT_EQ(limits.depth.hits(), 1U);
  EXPECT_EQ(limits.metrics.hits(), 0U);
  EXPECT_EQ(CodeOf(DecodePayload(Nested(500))), ErrorCode::kExhausted);
}

TEST(SparkplugTemplateTest, MembersCountAsMetrics) {
  Payload payload;
  payload.metrics.push_back(Instance("t", "T"));
  for (std::size_t i = 1; i < kMetricsMax; ++i) payload.metrics.push_back(In(0, Metric()));
  PayloadLimits limits;
  ASSERT_TRUE(DecodePayload(Encode(payload), limits));
  EXPECT_EQ(limits.metrics.Report("").used, kMetricsMax);
  payload.metrics.push_back(In(0, Metric()));
  EXPECT_EQ(CodeOf(DecodePayload(Encode(payload), limits)), ErrorCode::kExhausted);
  EXPECT_EQ(limits.metrics.hits(), 1U);
  std::get<Template>(payload.metrics[0].value).definition = true;
  EXPECT_EQ(CodeOf(DecodePayload(Encode(payload))), ErrorCode::kExhausted) << "it is made, too";
}

TEST(SparkplugPayloadTest, WholeNumbersHaveTheWidthOfTheirType) {
  EXPECT_EQ(Read(DataType::kInt8, std::uint32_t{0xff}), Int(-1));
  EXPECT_EQ(Read(DataType::kInt8, std::uint32_t{0xffffff80}), Int(-128));
  EXPECT_EQ(Read(DataType::kInt16, std::uint32_t{0x8000}), Int(-32'768));
  EXPECT_EQ(Read(DataType::kInt32, std::uint32_t{0xffffffff}), Int(-1));
  EXPECT_EQ(Read(DataType::kInt64, ~std::uint64_t{0}), Int(-1));
  EXPECT_EQ(Read(DataType::kUInt8, std::uint32_t{0xff}), Int(255));
  EXPECT_EQ(Read(DataType::kUInt16, std::uint32_t{0xffff}), Int(65'535));
  EXPECT_EQ(Read(DataType::kUInt32, std::uint32_t{0xffffffff}), Int(4'294'967'295));
  EXPECT_EQ(Read(DataType::kUInt32, std::uint64_t{0xffffffff}), Int(4'294'967'295)) << "as a long";
  EXPECT_EQ(Read(DataType::kDateTime, std::uint64_t{1'700'000'000'000}), Int(1'700'000'000'000));
  EXPECT_EQ(Read(DataType::kUnknown, std::uint32_t{0xfffffffe}), Int(-2));
  EXPECT_EQ(Read(DataType::kUInt64, ~std::uint64_t{0}),
            Value(std::string("is 18446744073709551615, not a whole number of 64 bits")));
  EXPECT_EQ(Read(DataType::kUInt64, ~std::uint64_t{0}, ValueType::kDouble),
            Value(18'446'744'073'709'551'616.0));
}

TEST(SparkplugPayloadTest, OtherTypesBecomeWhatTheyAre) {
  EXPECT_EQ(Read(DataType::kFloat, 1.5F, ValueType::kDouble), Value(1.5));
  EXPECT_EQ(Read(DataType::kDouble, 0.1, ValueType::kDouble), Value(0.1));
  EXPECT_EQ(Read(DataType::kBoolean, true, ValueType::kBool), Value(true));
  EXPECT_EQ(Read(DataType::kBoolean, std::uint32_t{1}, ValueType::kBool), Value(true));
  EXPECT_EQ(Read(DataType::kText, std::string("a"), ValueType::kString), Value(std::string("a")));
  EXPECT_EQ(Read(DataType::kBytes, model::Bytes{"\x01"}, ValueType::kBytes),
            Value(model::Bytes{"\x01"}));
  EXPECT_EQ(Read(DataType::kBytes, model::Bytes{"\x01"}, ValueType::kString),
            Value(std::string("is 1 bytes, not a string that a twin can hold")));
  EXPECT_EQ(Read(static_cast<DataType>(16), std::monostate(), ValueType::kDouble),
            Value(std::string("has no value, or one of type 16, which no property can have")));
  EXPECT_EQ(
      Read(DataType::kDouble, std::numeric_limits<double>::quiet_NaN(), ValueType::kDouble).type(),
      ValueType::kString)
      << "no number";
}

TEST(SparkplugPayloadTest, IsShownToPeople) {
  const auto shown = [](DataType type, auto value) {
    return Shown(Named("m", type, std::move(value)), DataType::kUnknown);
  };
  EXPECT_EQ(shown(DataType::kInt16, std::uint32_t{0xfed4}), "Int16 -300");
  EXPECT_EQ(shown(DataType::kUInt64, ~std::uint64_t{0}), "UInt64 18446744073709551615");
  EXPECT_EQ(shown(DataType::kFloat, 1.5F), "Float 1.5");
  EXPECT_EQ(shown(DataType::kBoolean, true), "Boolean true");
  EXPECT_EQ(shown(DataType::kBytes, model::Bytes{"abc"}), "Bytes of 3 bytes");
  EXPECT_EQ(shown(DataType::kDataSet, DataSet{"abcd"}), "DataSet of 4 bytes");
  EXPECT_EQ(shown(DataType::kTemplate, Template{"Motor", "", false}), "Template 'Motor'");
  EXPECT_EQ(shown(static_cast<DataType>(22), std::monostate()), "type 22 without a value");
  EXPECT_EQ(Shown(Aliased(1, std::uint32_t{0xff}), DataType::kInt8), "Int8 -1");
}

TEST(SparkplugPayloadTest, RefusesWhatIsNone) {
  EXPECT_EQ(CodeOf(DecodePayload("\xff")), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf(DecodePayload("{\"metrics\":[]}")), ErrorCode::kCorrupt);
  EXPECT_TRUE(DecodePayload(""));
}

TEST(SparkplugPayloadTest, TooManyMetricsAreRefusedBeforeTheyAreMade) {
  std::string bytes;
  for (std::size_t i = 0; i < kMetricsMax; ++i) bytes += std::string("\x12\0", 2);
  ASSERT_TRUE(DecodePayload(bytes));
  EXPECT_EQ(DecodePayload(bytes)->metrics.size(), kMetricsMax);
  bytes += std::string("\x12\0", 2);
  EXPECT_EQ(CodeOf(DecodePayload(bytes)), ErrorCode::kExhausted);
}

TEST(SparkplugCommandTest, HasTheTypeOfTheBirth) {
  const auto command = [](DataType type, const Value& value) {
    const auto bytes = EncodeCommand({"m", type, {}}, value, As(value.type()), 5);
    if (!bytes) return Value(bytes.error().text);
    const auto payload = DecodePayload(*bytes);
    EXPECT_EQ(payload->time_ms, 5U);
    EXPECT_EQ(payload->metrics.at(0).name, "m");
    EXPECT_EQ(payload->metrics.at(0).type, type == DataType::kUnknown ? DataType::kInt64 : type);
    return *ValueOf(payload->metrics.at(0), DataType::kUnknown, As(value.type()));
  };
  for (const DataType type :
       {DataType::kInt8, DataType::kInt16, DataType::kInt32, DataType::kInt64}) {
    EXPECT_EQ(command(type, Int(-7)), Int(-7));
    EXPECT_EQ(command(type, Value(-7.0)), Value(-7.0));
  }
  for (const DataType type :
       {DataType::kUInt8, DataType::kUInt16, DataType::kUInt32, DataType::kUInt64, DataType::kFloat,
        DataType::kDouble, DataType::kUnknown}) {
    EXPECT_EQ(command(type, Int(200)), Int(200));
  }
  EXPECT_EQ(command(DataType::kBoolean, Value(true)), Value(true));
  EXPECT_EQ(command(DataType::kText, Value(std::string("x"))), Value(std::string("x")));
  EXPECT_EQ(command(DataType::kBytes, Value(model::Bytes{"x"})), Value(model::Bytes{"x"}));
  EXPECT_EQ(command(DataType::kInt64, Int(std::numeric_limits<std::int64_t>::min())),
            Int(std::numeric_limits<std::int64_t>::min()));
}

TEST(SparkplugCommandTest, WhatTheTypeCanNotHoldIsRefused) {
  const auto refused = [](DataType type, const Value& value) {
    return CodeOf(EncodeCommand({"m", type, {}}, value, As(value.type()), 0)) ==
           ErrorCode::kInvalid;
  };
  EXPECT_TRUE(refused(DataType::kInt8, Int(128)));
  EXPECT_TRUE(refused(DataType::kInt8, Int(-129)));
  EXPECT_TRUE(refused(DataType::kUInt8, Int(256)));
  EXPECT_TRUE(refused(DataType::kUInt64, Int(-1)));
  EXPECT_TRUE(refused(DataType::kUInt16, Value(1.5)));
  EXPECT_TRUE(refused(DataType::kInt64, Value(1e19)));
  EXPECT_TRUE(refused(DataType::kFloat, Value(1e39)));
  EXPECT_TRUE(refused(DataType::kBoolean, Int(1)));
  EXPECT_TRUE(refused(DataType::kString, Int(1)));
  EXPECT_TRUE(refused(static_cast<DataType>(16), Int(1)));
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
