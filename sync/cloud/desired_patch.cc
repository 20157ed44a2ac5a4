// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/desired_patch.h"

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace edgetwin::cloud {
namespace {

using model::PropertyId;
using model::Value;
using model::ValueType;
using nlohmann::json;

// Deeper nesting than a path has segments means nothing here.
constexpr int kDepthMax = static_cast<int>(model::kPathSegmentsMax) + 2;

std::optional<std::string> FromBase64(const std::string& text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last ? 0 : text[i + 2] == '=' ? 2 : text[i + 3] == '=' ? 1 : 0;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const bool padded = k >= 4 - padding;
      const std::size_t digit = padded ? 0 : kDigits.find(text[i + k]);
      if (digit == std::string_view::npos || (padded && text[i + k] != '=')) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(digit);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) {
      out += static_cast<char>(bits >> (16 - 8 * k) & 0xff);
    }
    // Bits that no byte takes must be zero, or two spellings would be one value.
    if (padding > 0 && (bits & ((1U << (8 * padding)) - 1)) != 0) return std::nullopt;
  }
  return out;
}

// The two objects that are values (see model::ToJson): {"base64": "…"} and {"double":
// "nan"|"inf"|"-inf"}.
std::optional<Value> ObjectValue(const json& node) {
  if (node.size() != 1 || !node.begin()->is_string()) return std::nullopt;
  const auto& text = node.begin()->get_ref<const std::string&>();
  if (node.begin().key() == "base64") {
    auto bytes = FromBase64(text);
    if (!bytes) return std::nullopt;
    return Value(model::Bytes{*std::move(bytes)});
  }
  if (node.begin().key() != "double") return std::nullopt;
  if (text == "nan") return Value(std::numeric_limits<double>::quiet_NaN());
  if (text == "inf") return Value(std::numeric_limits<double>::infinity());
  if (text == "-inf") return Value(-std::numeric_limits<double>::infinity());
  return std::nullopt;
}

Result<Value> ScalarValue(const json& node) {
  switch (node.type()) {
    case json::value_t::boolean: return Value(node.get<bool>());
    case json::value_t::number_integer: return Value(node.get<std::int64_t>());
    case json::value_t::number_unsigned:
      if (node.get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return Invalid(node.dump() + " is larger than the largest int, 9223372036854775807");
      }
      return Value(node.get<std::int64_t>());
    case json::value_t::number_float: return Value(node.get<double>());
    case json::value_t::string: {
      const auto& text = node.get_ref<const std::string&>();
      if (text.size() > model::kValueBytesMax) {
        return Invalid("a string of " + std::to_string(text.size()) + " bytes; " +
                       std::to_string(model::kValueBytesMax) + " are allowed");
      }
      return Value(text);
    }
    default: return Invalid(std::string("a value can't be ") + node.type_name());
  }
}

// The number as the property's type wants it, when nothing is lost by that: JSON writes 5.0 and 5
// for either.
Value Fit(ValueType type, Value value) {
  if (type == ValueType::kInt && value.type() == ValueType::kDouble) {
    const double real = value.real();
    if (std::trunc(real) == real && std::fabs(real) < 9007199254740992.0) {
      return Value(static_cast<std::int64_t>(real));
    }
  }
  return model::Coerce(type, std::move(value));
}

class Reader {
 public:
  explicit Reader(const model::Twin& twin) : twin_(twin) {
    twin.ForEachProperty([this](PropertyId id) {
      const model::Row* row = twin_.row(id, model::Side::kDesired);
      if (row == nullptr || row->value.none()) return;
      const model::Path& path = twin_.def(id).path;
      desired_.emplace(path.text(), &path);
    });
  }

  void Walk(const json& object, const std::string& prefix, int depth) {
    if (depth > kDepthMax) {
      Problem(prefix, "nested more deeply than a path has segments");
      return;
    }
    for (const auto& [key, node] : object.items()) {
      if (values_.size() > kPatchPropertiesMax) return;
      const std::string path = prefix.empty() ? key : prefix + "/" + key;
      if (node.is_null()) {
        Withdraw(path);
      } else if (!node.is_object()) {
        Take(path, ScalarValue(node));
      } else if (auto value = KnownValue(path, node)) {
        Take(path, *std::move(value));
      } else {
        Walk(node, path, depth + 1);
      }
    }
  }

  DesiredPatch Finish() {
    if (values_.size() > kPatchPropertiesMax) {
      problems_ = {
          {"", "more than " + std::to_string(kPatchPropertiesMax) + " properties in one patch"}};
    }
    DesiredPatch patch;
    patch.problems = std::move(problems_);
    for (auto& [path, value] : values_) patch.values.push_back({path, std::move(value)});
    return patch;
  }

 private:
  // An object is a value only where the device has told a property: elsewhere "base64" may be
  // somebody's name.
  std::optional<Value> KnownValue(const std::string& path, const json& node) const {
    const PropertyId id = twin_.Find(path);
    if (id == model::kNoProperty || !twin_.defined(id)) return std::nullopt;
    return ObjectValue(node);
  }

  void Withdraw(const std::string& path) {
    if (const auto exact = desired_.find(path); exact != desired_.end()) {
      Put(*exact->second, Value());
    }
    const std::string below = path + "/";
    for (auto next = desired_.lower_bound(below);
         next != desired_.end() && next->first.starts_with(below); ++next) {
      Put(*next->second, Value());
    }
  }

  void Take(const std::string& text, Result<Value> value) {
    const auto path = model::Path::Parse(text);
    if (!path) return Problem(text, path.error().text);
    if (!value) return Problem(text, value.error().text);
    const PropertyId id = twin_.Find(text);
    if (id != model::kNoProperty && twin_.defined(id)) {
      *value = Fit(twin_.def(id).type, *std::move(value));
      if (const Status fits = model::CheckWritable(twin_.def(id), *value); !fits) {
        return Problem(text, fits.error().text);
      }
    }
    Put(*path, *std::move(value));
  }

  void Put(const model::Path& path, Value value) {
    if (!values_.emplace(path, std::move(value)).second) {
      Problem(path.text(), "the patch names this property twice");
    }
  }

  void Problem(std::string path, std::string detail) {
    problems_.push_back({std::move(path), std::move(detail)});
  }

  const model::Twin& twin_;
  std::map<std::string_view, const model::Path*> desired_;  // What is desired now.
  std::map<model::Path, Value> values_;
  std::vector<PatchProblem> problems_;
};

}  // namespace

Result<DesiredPatch> ReadDesiredPatch(std::string_view body, const model::Twin& twin) {
  // The parser keeps the last of two members of one name: which one the writer meant nobody knows.
  std::vector<std::set<std::string>> names;
  std::optional<std::string> twice;
  const json document = json::parse(
      body.begin(), body.end(),
      [&](int, json::parse_event_t event, json& parsed) {
        if (event == json::parse_event_t::object_start) names.emplace_back();
        if (event == json::parse_event_t::object_end) names.pop_back();
        if (event == json::parse_event_t::key &&
            !names.back().insert(parsed.get_ref<const std::string&>()).second) {
          twice = parsed.get_ref<const std::string&>();
        }
        return true;
      },
      false);
  if (document.is_discarded()) return Invalid("the body is not JSON");
  if (!document.is_object()) {
    return Invalid(std::string("the body is a JSON ") + document.type_name() +
                   "; a merge patch of desired values is an object");
  }
  if (twice) return Invalid("the member \"" + *twice + "\" appears twice in one object");
  Reader reader(twin);
  reader.Walk(document, {}, 1);
  return reader.Finish();
}

}  // namespace edgetwin::cloud
