// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/payload_decoder.h"

#include <string>
#include <utility>

namespace edgetwin::mqtt_driver {
namespace {

using extract::Scalar;
using model::Value;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Result<Value> Whole(const PropertyOptions& property, Format format, std::string_view payload) {
  if (format == Format::kRaw) {
    Value value(model::Bytes{std::string(payload)});
    if (model::Holdable(value)) return value;
    return Invalid(property.name + ": is longer than 16 KiB");
  }
  Result<Value> value = ToValue(Scalar(std::string(Trimmed(payload))), property.conversion);
  if (value) return value;
  return MakeError(value.error().code, property.name + ": " + value.error().text);
}

std::string TextOf(const Scalar& scalar) {
  if (const auto* text = std::get_if<std::string>(&scalar)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&scalar)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&scalar)) return model::Format(Value(*real));
  return {};
}

}  // namespace

PayloadDecoder::PayloadDecoder(const SourceOptions& source) : source_(source) {
  for (const PropertyOptions& property : source.properties) {
    if (property.place) extraction_.Add(property.name, *property.place, property.conversion);
  }
  if (source.time) time_.Add(source.time->pointer, source.time->text);
}

std::vector<Result<Value>> PayloadDecoder::Values(std::string_view payload) const {
  std::vector<Result<Value>> placed = extraction_.From(payload);
  std::vector<Result<Value>> values;
  values.reserve(source_.properties.size());
  std::size_t next = 0;
  for (const PropertyOptions& property : source_.properties) {
    values.push_back(property.place ? std::move(placed[next++])
                                    : Whole(property, source_.format, payload));
  }
  return values;
}

std::vector<std::string> PayloadDecoder::Raw(std::string_view payload) const {
  const std::vector<std::string> placed = extraction_.Raw(payload);
  std::vector<std::string> raw;
  std::size_t next = 0;
  for (const PropertyOptions& property : source_.properties) {
    raw.push_back(property.place ? placed[next++] : extract::Shown(payload));
  }
  return raw;
}

Result<std::optional<WallTime>> PayloadDecoder::Time(std::string_view payload) const {
  if (time_.empty()) return std::optional<WallTime>();
  const auto picked = time_.Pick(payload);
  if (!picked) return picked.error();
  const Result<Scalar>& scalar = picked->front();
  if (!scalar) return scalar.error();
  const Result<WallTime> time = driver::ParseTime(TextOf(*scalar), source_.time_format);
  if (!time) return Corrupt("the time at " + source_.time->text + ": " + time.error().text);
  return std::optional<WallTime>(*time);
}

Result<std::string> MessageFor(const PropertyOptions& property, Format format, const Value& value) {
  std::string text;
  if (format == Format::kJson) {
    Result<std::string> json = ToJson(value, property.conversion);
    if (!json) return json.error();
    text = *std::move(json);
  } else {
    const Result<Value> raw = ToRaw(value, property.conversion);
    if (!raw) return raw.error();
    text = raw->type() == model::ValueType::kBytes ? raw->bytes().data : model::Format(*raw);
  }
  std::string message = property.write->body;
  for (std::size_t at = message.find(kValueMark); at != message.npos;
       at = message.find(kValueMark, at + text.size())) {
    message.replace(at, kValueMark.size(), text);
  }
  return message;
}

}  // namespace edgetwin::mqtt_driver
