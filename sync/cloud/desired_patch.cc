// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/desired_patch.h"

#include <map>
#include <utility>

#include "sync/cloud/json_body.h"

namespace edgetwin::cloud {
namespace {

using model::PropertyId;
using model::Value;
using nlohmann::json;

// Deeper nesting than a path has segments means nothing here.
constexpr int kDepthMax = static_cast<int>(model::kPathSegmentsMax) + 2;

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
        Take(path, ReadScalarValue(node));
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
    return ReadObjectValue(node);
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
      *value = FitType(twin_.def(id).type, *std::move(value));
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
  const auto document = ReadJsonObject(body, "a merge patch of desired values");
  if (!document) return document.error();
  Reader reader(twin);
  reader.Walk(*document, {}, 1);
  return reader.Finish();
}

}  // namespace edgetwin::cloud
