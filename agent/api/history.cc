// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/history.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "twin/history/store/history_store.h"

namespace edgetwin::api {
namespace {

using history::Bucket;
using history::HistoryStore;
using history::Loss;

constexpr std::chrono::hours kRangeDefault{1};

Result<std::int64_t> ReadInteger(const http::Request& request, const std::string& key,
                                 std::int64_t otherwise) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return otherwise;
  const std::string& text = found->second;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Invalid(key + " must be a whole number, not '" + text + "'");
  }
  return number;
}

Json SampleJson(const model::Sample& sample) {
  Json json{{"time", TimeJson(sample.time)},
            {"value", ValueJson(sample.value)},
            {"quality", ToString(sample.quality)}};
  if (sample.unsynced) json["unsynced"] = true;
  return json;
}

Json BucketJson(const Bucket& bucket) {
  const bool any = bucket.numbers != 0;
  const auto number = [any](double value) { return any ? ValueJson(model::Value(value)) : Json(); };
  return {{"time", TimeJson(bucket.from)},
          {"count", bucket.count},
          {"min", number(bucket.min)},
          {"mean", number(bucket.mean)},
          {"max", number(bucket.max)}};
}

Json LossJson(const runtime::HistoryLoss& entry) {
  const Loss& loss = entry.loss;
  return {{"path", entry.path},
          {"reason", ToString(loss.reason)},
          {"count", loss.count},
          {"exact", loss.exact},
          {"from", loss.from == WallTime{} ? Json(nullptr) : TimeJson(loss.from)},
          {"to", TimeJson(loss.to)},
          {"first", loss.first},
          {"last", loss.last},
          {"inc", loss.inc == 0 ? Json(nullptr) : Json(Hex(loss.inc))}};
}

}  // namespace

Result<HistoryQuery> ReadHistoryQuery(const http::Request& request, WallTime now) {
  HistoryQuery query;
  const auto path = request.query.find("path");
  if (path == request.query.end()) return Invalid("say which: path=thing/property");
  query.path = path->second;
  const std::int64_t now_ms = now.time_since_epoch().count();
  const auto to = ReadInteger(request, "to", now_ms);
  if (!to) return to.error();
  const std::int64_t hour_ms = std::chrono::milliseconds(kRangeDefault).count();
  const std::int64_t before = *to < INT64_MIN + hour_ms ? INT64_MIN : *to - hour_ms;
  const auto from = ReadInteger(request, "from", before);
  if (!from) return from.error();
  if (*from > *to) return Invalid("from is after to");
  const auto points = ReadInteger(request, "max_points", 0);
  if (!points) return points.error();
  if (*points < 0 || *points > static_cast<std::int64_t>(history::kExcerptPointsMax)) {
    return Invalid("max_points must be 0 to " + std::to_string(history::kExcerptPointsMax));
  }
  query.range.from = WallTime(std::chrono::milliseconds(*from));
  query.range.to = WallTime(std::chrono::milliseconds(*to));
  query.range.points_max = static_cast<std::size_t>(*points);
  return query;
}

Json HistoryJson(const HistoryQuery& query, const history::Excerpt& excerpt) {
  Json json{
      {"path", query.path}, {"from", TimeJson(query.range.from)}, {"to", TimeJson(query.range.to)}};
  if (query.range.points_max == 0) {
    json["samples"] = Json::array();
    for (const model::Sample& sample : excerpt.samples()) {
      json["samples"].push_back(SampleJson(sample));
    }
  } else {
    json["bucket_ms"] = excerpt.bucket().count();
    json["points"] = Json::array();
    for (const Bucket& bucket : excerpt.Buckets()) json["points"].push_back(BucketJson(bucket));
  }
  json["aggregated"] = excerpt.aggregated();
  json["truncated"] = excerpt.full();
  json["damaged_blocks"] = excerpt.damaged_blocks();
  return json;
}

Json GapsJson(const std::vector<runtime::HistoryLoss>& losses) {
  Json list = Json::array();
  std::uint64_t count = 0;
  for (const runtime::HistoryLoss& loss : losses) {
    list.push_back(LossJson(loss));
    count += loss.loss.count;
  }
  return {{"gaps", std::move(list)}, {"count", count}};
}

Json AuditJson(const std::vector<runtime::HistoryAudit>& audit) {
  Json list = Json::array();
  bool all = true;
  for (const runtime::HistoryAudit& path : audit) {
    all = all && path.AddsUp();
    list.push_back({{"path", path.stored.path.path},
                    {"produced", path.produced},
                    {"stored", path.stored.stored},
                    {"in_memory", path.in_memory},
                    {"delivered", path.stored.delivered},
                    {"lost", path.stored.lost + path.dropped},
                    {"lost_at_most", path.stored.lost_at_most},
                    {"blocks", path.stored.blocks},
                    {"bytes", path.stored.bytes},
                    {"adds_up", path.AddsUp()}});
  }
  return {{"adds_up", all}, {"paths", std::move(list)}};
}

Result<Json> StoredHistoryJson(const std::string& file, const HistoryQuery& query) {
  const auto store = HistoryStore::Inspect(file);
  if (!store) return store.error();
  const auto& paths = (*store)->paths();
  const auto path = std::ranges::find(paths, query.path, &history::PathRecord::path);
  if (path == paths.end()) return NotFound("there is no history of '" + query.path + "'");
  history::Excerpt excerpt(query.range);
  const Status read = (*store)->ReadBlocks(path->id, query.range.from, query.range.to,
                                           [&excerpt](const history::BlockRecord& block) {
                                             (void)excerpt.Add(block);  // Counts what is damaged.
                                             return !excerpt.full();
                                           });
  if (!read) return read.error();
  const Status added =
      (*store)->ReadAggregates(path->id, query.range.from, query.range.to,
                               [&excerpt](const history::Bucket& hour) { excerpt.Add(hour); });
  if (!added) return added.error();
  return HistoryJson(query, excerpt);
}

Result<Json> StoredGapsJson(const std::string& file, const std::string& path) {
  const auto store = HistoryStore::Inspect(file);
  if (!store) return store.error();
  const auto losses = (*store)->Losses();
  if (!losses) return losses.error();
  std::vector<runtime::HistoryLoss> shown;
  for (const Loss& loss : *losses) {
    if (loss.path == 0 || loss.path > (*store)->paths().size()) continue;
    if (loss.reason == history::LossReason::kDelivered) continue;
    const std::string& name = (*store)->paths()[loss.path - 1].path;
    if (path.empty() || path == name) shown.push_back({name, loss});
  }
  return GapsJson(shown);
}

Result<Json> StoredAuditJson(const std::string& file) {
  const auto store = HistoryStore::Inspect(file);
  if (!store) return store.error();
  const auto stored = (*store)->Audit();
  if (!stored) return stored.error();
  std::vector<runtime::HistoryAudit> audit;
  for (const history::PathAudit& path : *stored) audit.push_back({path, path.path.next, 0, 0});
  return AuditJson(audit);
}

}  // namespace edgetwin::api
