// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/changes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/api/text.h"
#include "twin/base/config_node.h"
#include "twin/base/utf8.h"

namespace edgetwin::api {
namespace {

using model::PropertyDef;
using model::Value;
using std::chrono::milliseconds;

constexpr std::size_t kWhoBytesMax = 100;

Status CheckKeys(const Json& json) {
  const std::vector<std::string> known = {"value", "text", "for_ms", "who"};
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = Nearest(key, known);
    return Invalid("'" + key + "' is no key of an override" +
                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  return {};
}

Result<Value> ReadValue(const Json& json, const PropertyDef& def) {
  if (json.contains("value") == json.contains("text")) {
    return Invalid("an override needs one of \"value\" and \"text\"");
  }
  if (json.contains("value")) return ParseJsonValue(json["value"], def.type);
  if (!json["text"].is_string()) return Invalid("\"text\" must be a string");
  return model::ParseValue(json["text"].get<std::string>(), def.type);
}

Result<milliseconds> ReadDuration(const Json& json) {
  if (!json.contains("for_ms")) return kOverrideDefault;
  const Json& given = json["for_ms"];
  const bool fits = given.is_number_integer() && given >= 1'000 && given <= kOverrideMax.count();
  if (!fits) {
    return Invalid("\"for_ms\" must be a whole number from 1000 (1 s) to " +
                   std::to_string(kOverrideMax.count()) + " (30 d), not " +
                   given.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80));
  }
  return milliseconds(given.get<std::int64_t>());
}

Json Held(const runtime::Agent& agent, model::PropertyId id) {
  const PropertyDef& def = agent.twin().def(id);
  const model::Row* row = agent.engine().control().override_row(id);
  Json json{{"path", def.path.text()}};
  if (row == nullptr) return json;
  json["value"] = ValueJson(row->value);
  json["shown"] = Shown(row->value, def);
  json["who"] = row->info().note;
  json["until"] = TimeJson(row->info().until);
  json["revision"] = row->dot.seq;
  return json;
}

bool StaysHeld(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
         error.code == ErrorCode::kExhausted;
}

// One client's question, until it is answered or has waited long enough.
struct Pending {
  std::shared_ptr<http::Responder> responder;
  Loop::Id timer = Loop::Id::kNone;
};

http::Response Answer(const runtime::Agent& agent, model::PropertyId id,
                      const Result<Value>& result) {
  if (!result && !StaysHeld(result.error())) return http::Problem(result.error());
  Json json = Held(agent, id);
  json["applied"] = result.has_value();
  json["effective"] = result ? ValueJson(*result) : Json(nullptr);
  json["effective_shown"] = result ? Json(Shown(*result, agent.twin().def(id))) : Json(nullptr);
  json["detail"] = result ? "applied" : "held, not applied yet: " + result.error().text;
  return JsonResponse(json, result ? 200 : 202);
}

}  // namespace

Result<std::string> ReadWho(const Json& json, const std::string& user) {
  if (!json.contains("who")) return user;
  if (!json["who"].is_string()) return Invalid("\"who\" must be a string");
  std::string who = json["who"].get<std::string>();
  if (who.size() > kWhoBytesMax) return Invalid("\"who\" has more than 100 bytes");
  for (const char c : who) {
    if (static_cast<unsigned char>(c) < 0x20) return Invalid("\"who\" has a control character");
  }
  if (who.empty() || who == user) return user;
  return who + " (" + user + ")";
}

Result<OverrideRequest> ParseOverride(std::string_view body, const PropertyDef& def,
                                      const std::string& user) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) {
    return Invalid("the body must be a JSON object such as {\"value\":50,\"for_ms\":900000}");
  }
  if (const Status ok = CheckKeys(json); !ok) return ok.error();
  if (!def.writable) return model::CheckWritable(def, Value(0.0)).error();
  auto value = ReadValue(json, def);
  if (!value) return value.error();
  const auto duration = ReadDuration(json);
  if (!duration) return duration.error();
  auto who = ReadWho(json, user);
  if (!who) return who.error();
  return OverrideRequest{*std::move(value), *duration, *std::move(who)};
}

void AnswerOverride(EventLoop& loop, runtime::Agent& agent, model::PropertyId id,
                    OverrideRequest request, std::shared_ptr<http::Responder> responder,
                    std::weak_ptr<void> alive) {
  auto pending = std::make_shared<Pending>();
  pending->responder = responder;
  const auto finish = [&loop, &agent, id, pending, alive](const Result<Value>& result) {
    if (alive.expired()) return;
    loop.Cancel(pending->timer);
    if (auto to = std::exchange(pending->responder, nullptr)) to->Send(Answer(agent, id, result));
  };
  const Status begun = agent.Override(id, std::move(request.value), std::move(request.who),
                                      request.duration, finish);
  if (!begun) {
    if (auto to = std::exchange(pending->responder, nullptr))
      to->Send(http::Problem(begun.error()));
    return;
  }
  if (pending->responder == nullptr) return;  // Answered already.
  pending->timer = loop.After(kAnswerWait, [finish] {
    finish(Unavailable("the driver has not answered within " + Span(kAnswerWait)));
  });
}

}  // namespace edgetwin::api
