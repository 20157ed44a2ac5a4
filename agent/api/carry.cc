// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/carry.h"

#include <charconv>
#include <optional>
#include <utility>
#include <variant>

#include "agent/api/json.h"
#include "twin/model/path.h"

namespace edgetwin::api {
namespace {

using http::Problem;
using http::Request;
using Responder = std::shared_ptr<http::Responder>;

Result<std::optional<std::int64_t>> ReadInteger(const Request& request, const std::string& key) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return std::optional<std::int64_t>();
  const std::string& text = found->second;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Invalid(key + " must be a whole number, not '" + text + "'");
  }
  return std::optional(number);
}

// Null when there is none, which is answered then.
runtime::History* HistoryOf(runtime::Agent& agent, const Responder& responder) {
  if (agent.history() == nullptr) {
    responder->Send(Problem(NotFound("the history is switched off: [history] enabled")));
  }
  return agent.history();
}

Result<sync::CarryReceipt> ReadReceipt(const std::string& file, const std::string& device) {
  sync::CarryReader reader;
  reader.Push(file);
  auto record = reader.Next();
  if (!record) return Invalid(record.error().text);
  if (const Status whole = reader.Finish(); !whole) return Invalid(whole.error().text);
  auto* receipt = *record ? std::get_if<sync::CarryReceipt>(&(*record)->content) : nullptr;
  if (receipt == nullptr) return Invalid("it is no receipt; edgetwin-cloud import writes one");
  if (receipt->device != device) {
    return Conflict("it is the receipt of '" + receipt->device + "'; this is '" + device + "'");
  }
  return std::move(*receipt);
}

}  // namespace

Result<CarryQuery> ReadCarryQuery(const Request& request) {
  CarryQuery query;
  if (const auto after = request.query.find("after"); after != request.query.end()) {
    const auto place = sync::ParsePlace(after->second);
    if (!place) return Invalid("after must be where a part ends, not '" + after->second + "'");
    query.request.after = *place;
  }
  const auto since_last = request.query.find("since_last");
  query.request.since_last = since_last != request.query.end() && since_last->second == "1";
  if (const auto pattern = request.query.find("pattern"); pattern != request.query.end()) {
    if (pattern->second.size() > model::kPathBytesMax) {
      return Invalid("a pattern has at most " + std::to_string(model::kPathBytesMax) + " bytes");
    }
    query.pattern = pattern->second;
  }
  for (const auto& [key, time] :
       {std::pair{"from", &query.request.from}, std::pair{"to", &query.request.to}}) {
    const auto ms = ReadInteger(request, key);
    if (!ms) return ms.error();
    if (*ms) *time = WallTime(std::chrono::milliseconds(**ms));
  }
  if (query.request.from > query.request.to) return Invalid("from is after to");
  return query;
}

std::string CarryRecords(const CarryQuery& query, runtime::CarryPiece piece,
                         const model::Twin& twin, const std::string& device, WallTime now) {
  std::string records;
  if (query.request.after == sync::CarryPlace()) {
    sync::CarryHead head;
    head.device = device;
    head.made = now;
    head.software = "edgetwin " EDGETWIN_VERSION;
    head.known = piece.known;
    head.since = piece.since;
    head.pattern = query.pattern;
    if (query.request.from != WallTime::min()) head.from = query.request.from;
    if (query.request.to != WallTime::max()) head.to = query.request.to;
    records = sync::EncodeRecord(head);
  }
  runtime::KeepOnly(piece.part, [&](const std::string& path) {
    const model::PropertyId id = twin.Find(path);
    // As in a session: what has no number isn't shared.
    if (id == model::kNoProperty || twin.pid(id) == 0) return false;
    return query.pattern.empty() || model::Matches(query.pattern, path);
  });
  return records + sync::EncodeRecord(piece.part);
}

void AnswerExport(runtime::Agent& agent, const Request& request, WallTime now, Responder responder,
                  Alive alive) {
  const auto query = ReadCarryQuery(request);
  if (!query) return responder->Send(Problem(query.error()));
  runtime::History* history = HistoryOf(agent, responder);
  if (history == nullptr) return;
  history->ReadPiece(query->request, [&agent, query = *query, now, responder,
                                      alive](Result<runtime::CarryPiece> piece) {
    if (alive.expired()) return;
    if (!piece) return responder->Send(Problem(piece.error()));
    http::Response response;
    response.content_type = sync::kCarryContentType;
    response.body =
        CarryRecords(query, std::move(*piece), agent.twin(), agent.config().device.id, now);
    responder->Send(std::move(response));
  });
}

void AnswerExported(runtime::Agent& agent, const Request& request, Responder responder,
                    Alive alive) {
  const auto commit = ReadInteger(request, "commit");
  if (!commit) return responder->Send(Problem(commit.error()));
  if (!*commit || **commit < 0) return responder->Send(Problem(Invalid("say which: commit=N")));
  runtime::History* history = HistoryOf(agent, responder);
  if (history == nullptr) return;
  const Status asked = history->SetCarried(static_cast<std::uint64_t>(**commit),
                                           [responder, alive, commit](const Status& done) {
                                             if (alive.expired()) return;
                                             if (!done)
                                               return responder->Send(Problem(done.error()));
                                             responder->Send(JsonResponse({{"commit", **commit}}));
                                           });
  if (!asked) responder->Send(Problem(asked.error()));
}

void AnswerReceipt(runtime::Agent& agent, const Request& request, Responder responder,
                   Alive alive) {
  const auto receipt = ReadReceipt(request.body, agent.config().device.id);
  if (!receipt) return responder->Send(Problem(receipt.error()));
  runtime::History* history = HistoryOf(agent, responder);
  if (history == nullptr) return;
  const Status asked = history->TakeReceipt(
      *receipt, [responder, alive, commit = receipt->end.commit](const Status& done) {
        if (alive.expired()) return;
        if (!done) return responder->Send(Problem(done.error()));
        responder->Send(JsonResponse({{"delivered", true}, {"commit", commit}}));
      });
  if (!asked) responder->Send(Problem(asked.error()));
}

}  // namespace edgetwin::api
