// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/history_api.h"

#include <charconv>
#include <utility>

#include "sync/cloud/documents.h"
#include "sync/cloud/json_text.h"
#include "twin/history/gather/excerpt.h"

namespace edgetwin::cloud {
namespace {

using history::Bucket;
using history::Excerpt;
using http::Problem;
using http::Request;

constexpr std::chrono::hours kRangeDefault{1};

Result<std::int64_t> ReadInteger(const Request& request, const std::string& key,
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

Result<std::string> ReadPath(const Request& request) {
  const auto path = request.query.find("path");
  if (path == request.query.end()) return Invalid("say which: path=thing/property");
  return path->second;
}

// from and to (milliseconds since 1970, both included; the last hour), max_points.
Result<history::ExcerptOptions> ReadRange(const Request& request, WallTime now) {
  const auto to = ReadInteger(request, "to", now.time_since_epoch().count());
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
  history::ExcerptOptions options;
  options.from = WallTime(std::chrono::milliseconds(*from));
  options.to = WallTime(std::chrono::milliseconds(*to));
  options.points_max = static_cast<std::size_t>(*points);
  return options;
}

std::string SampleJson(const model::Sample& sample) {
  JsonObject object;
  object.Raw("time", JsonTime(sample.time)).Raw("value", model::ToJson(sample.value));
  object.Text("quality", ToString(sample.quality));
  if (sample.unsynced) object.Bool("unsynced", true);
  return object.Take();
}

std::string BucketJson(const Bucket& bucket) {
  const auto number = [&bucket](double value) {
    return bucket.numbers == 0 ? std::string("null") : model::ToJson(model::Value(value));
  };
  return JsonObject()
      .Raw("time", JsonTime(bucket.from))
      .Number("count", bucket.count)
      .Raw("min", number(bucket.min))
      .Raw("mean", number(bucket.mean))
      .Raw("max", number(bucket.max))
      .Take();
}

std::string ReasonName(std::uint32_t reason) {
  if (reason >= history::kLossReasons) return "reason_" + std::to_string(reason);
  return std::string(ToString(static_cast<history::LossReason>(reason)));
}

std::string GapJson(const HistoryGap& gap) {
  const sync::LossRecord& record = gap.record;
  return JsonObject()
      .Text("where", gap.here ? "cloud" : "device")
      .Text("reason", ReasonName(record.reason))
      .Number("count", record.count)
      .Bool("exact", record.exact)
      .Raw("from", record.from == WallTime{} ? "null" : JsonTime(record.from))
      .Raw("to", JsonTime(record.to))
      .Number("first", record.first)
      .Number("last", record.last)
      .Raw("inc", record.inc == 0 ? "null" : JsonHex(record.inc))
      .Take();
}

std::string GapsJson(const std::vector<HistoryGap>& gaps, WallTime from, WallTime to) {
  JsonArray array;
  for (const HistoryGap& gap : gaps) {
    if (gap.record.to >= from && gap.record.from <= to) array.Raw(GapJson(gap));
  }
  return array.Take();
}

Result<std::string> Document(CloudHistory& history, const std::string& device,
                             const std::string& path, const history::ExcerptOptions& options) {
  Excerpt excerpt(options);
  // The excerpt knows repetitions by ordinals, which several openings may have given alike; here
  // there are none.
  std::uint64_t next = 0;
  const Status read = history.ReadBlocks(device, path, options.from, options.to,
                                         [&](history::BlockRecord block, std::uint64_t) {
                                           block.first = std::exchange(next, next + block.count);
                                           (void)excerpt.Add(block);  // Counts what is damaged.
                                           return !excerpt.full();
                                         });
  if (!read) return read.error();
  const auto gaps = history.Gaps(device, path);
  if (!gaps) return gaps.error();
  JsonObject object;
  object.Text("path", path).Raw("from", JsonTime(options.from)).Raw("to", JsonTime(options.to));
  JsonArray list;
  if (options.points_max == 0) {
    for (const model::Sample& sample : excerpt.samples()) list.Raw(SampleJson(sample));
    object.Raw("samples", list.Take());
  } else {
    for (const Bucket& bucket : excerpt.Buckets()) list.Raw(BucketJson(bucket));
    object.Number("bucket_ms", static_cast<std::uint64_t>(excerpt.bucket().count()));
    object.Raw("points", list.Take());
  }
  object.Raw("gaps", GapsJson(*gaps, options.from, options.to));
  object.Bool("truncated", excerpt.full()).Number("damaged_blocks", excerpt.damaged_blocks());
  return object.Take();
}

std::string HoldingJson(const HistoryHolding& holding) {
  JsonArray held;
  for (const HistoryHolding::Span& span : holding.held) {
    held.Raw(JsonObject()
                 .Raw("inc", JsonHex(span.inc))
                 .Number("first", span.first)
                 .Number("last", span.last)
                 .Take());
  }
  return JsonObject()
      .Text("path", holding.path)
      .Number("taken", holding.taken)
      .Number("stored", holding.stored)
      .Number("evicted", holding.evicted)
      .Number("lost_at_device", holding.lost_at_device)
      .Number("blocks", holding.blocks)
      .Number("bytes", holding.bytes)
      .Bool("adds_up", holding.AddsUp())
      .Raw("held", held.Take())
      .Take();
}

}  // namespace

void HistoryApi::AddRoutes(http::Server& server) {
  const auto route = [&](std::string pattern,
                         void (HistoryApi::*handler)(const Request&, const Responder&)) {
    server.Route("GET", std::move(pattern),
                 [this, handler](const Request& request, const Responder& responder) {
                   (this->*handler)(request, responder);
                 });
  };
  route("/v1/twins/{}/history", &HistoryApi::Get);
  route("/v1/twins/{}/history/gaps", &HistoryApi::Gaps);
  route("/v1/twins/{}/history/audit", &HistoryApi::Audit);
}

void HistoryApi::Answer(const Request& request, const Responder& responder,
                        std::function<Result<std::string>(CloudHistory&)> work) {
  auto document = std::make_shared<Result<std::string>>(Unavailable("not read"));
  const std::string& device = request.parts[0];
  const Status asked = history_.Ask(
      [document, work = std::move(work), device,
       known = fleet_.Knows(device)](CloudHistory& history) {
        // Its history may have come in a file, and it itself never.
        const Result<bool> has = known ? Result<bool>(true) : history.Has(device);
        if (!has) {
          *document = has.error();
        } else if (!*has) {
          *document = NotFound("no device '" + device + "' has ever said Hello");
        } else {
          *document = work(history);
        }
      },
      [request, responder, document] {
        if (!*document) return responder->Send(Problem(document->error()));
        SendDocument(request, *responder, *std::move(*document));
      });
  if (!asked) responder->Send(Problem(asked.error()));
}

void HistoryApi::Get(const Request& request, const Responder& responder) {
  const auto path = ReadPath(request);
  if (!path) return responder->Send(Problem(path.error()));
  const auto range = ReadRange(request, loop_.clock().UntrustedWall());
  if (!range) return responder->Send(Problem(range.error()));
  Answer(request, responder,
         [device = request.parts[0], path = *path, range = *range](CloudHistory& history) {
           return Document(history, device, path, range);
         });
}

void HistoryApi::Gaps(const Request& request, const Responder& responder) {
  const auto path = ReadPath(request);
  if (!path) return responder->Send(Problem(path.error()));
  Answer(request, responder,
         [device = request.parts[0], path = *path](CloudHistory& history) -> Result<std::string> {
           const auto gaps = history.Gaps(device, path);
           if (!gaps) return gaps.error();
           return JsonObject()
               .Text("path", path)
               .Raw("gaps", GapsJson(*gaps, WallTime::min(), WallTime::max()))
               .Take();
         });
}

void HistoryApi::Audit(const Request& request, const Responder& responder) {
  Answer(request, responder,
         [device = request.parts[0]](CloudHistory& history) -> Result<std::string> {
           const auto audit = history.Audit(device);
           if (!audit) return audit.error();
           JsonArray paths;
           bool all = true;
           for (const HistoryHolding& holding : *audit) {
             all = all && holding.AddsUp();
             paths.Raw(HoldingJson(holding));
           }
           return JsonObject().Bool("adds_up", all).Raw("paths", paths.Take()).Take();
         });
}

}  // namespace edgetwin::cloud
