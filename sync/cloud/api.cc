// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/api.h"

#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "sync/cloud/desired_patch.h"
#include "sync/cloud/documents.h"
#include "sync/cloud/json_text.h"
#include "sync/cloud/twin_json.h"
#include "twin/base/config_node.h"
#include "twin/http/uri.h"

namespace edgetwin::cloud {
namespace {

using http::Problem;
using http::Request;
using http::Response;
using model::PropertyId;
using model::Side;

constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::size_t kPageTwins = 100;

// With ?path=…, what fits the pattern; else all.
PathFilter FilterOf(const Request& request) {
  const auto pattern = request.query.find("path");
  if (pattern == request.query.end()) return [](std::string_view) { return true; };
  return [text = pattern->second](std::string_view path) { return model::Matches(text, path); };
}

std::string ProblemsJson(const std::vector<PatchProblem>& problems) {
  JsonArray array;
  for (const PatchProblem& problem : problems) {
    array.Raw(JsonObject().Text("path", problem.path).Text("detail", problem.detail).Take());
  }
  return "\"problems\":" + array.Take();
}

std::uint64_t DesiredRevision(const model::Twin& twin, std::string_view path) {
  const PropertyId id = twin.Find(path);
  const model::Row* row = id == model::kNoProperty ? nullptr : twin.row(id, Side::kDesired);
  return row == nullptr ? 0 : row->dot.seq;
}

// "pump/speed=12, pump/mode=0" against the revisions of what is desired now.
std::optional<Response> CheckRevisions(std::string_view field, const model::Twin& twin) {
  std::vector<std::string> bad;
  JsonArray conflicts;
  bool conflict = false;
  ForEachPart(field, [&](std::string_view part) {
    const std::size_t equals = part.rfind('=');
    std::uint64_t expected = 0;
    const char* end = part.data() + part.size();
    if (equals == std::string_view::npos ||
        std::from_chars(part.data() + equals + 1, end, expected).ptr != end ||
        equals + 1 == part.size()) {
      bad.emplace_back(part);
      return;
    }
    const std::string_view path = part.substr(0, equals);
    const std::uint64_t revision = DesiredRevision(twin, path);
    if (revision == expected) return;
    conflict = true;
    conflicts.Raw(JsonObject()
                      .Text("path", path)
                      .Number("expected", expected)
                      .Number("revision", revision)
                      .Take());
  });
  if (!bad.empty()) {
    return Problem(400, "Bad Request",
                   "Edgetwin-If-Revision takes path=revision, …; not '" + bad.front() + "'");
  }
  if (!conflict) return std::nullopt;
  return Problem(409, "Conflict", "somebody else has changed what is desired",
                 "\"conflicts\":" + conflicts.Take());
}

// ?valid_for=30m → when that ends.
Result<WallTime> ValidUntil(const Request& request, WallTime now) {
  const auto text = request.query.find("valid_for");
  if (text == request.query.end()) return WallTime{};
  const auto duration = ParseDuration(text->second);
  constexpr std::chrono::hours kMax{24 * 366 * 10};
  if (!duration || duration->count() <= 0 || *duration > kMax) {
    return Invalid("valid_for is a duration such as 30m, 12h or 7d, not '" + text->second + "'");
  }
  return now + *duration;
}

std::string StatusLink(std::string_view device, std::string_view path) {
  std::string link = "/v1/twins/" + http::PercentEncode(device) + "/status/";
  link += path;  // Segments of paths need no encoding.
  return link;
}

// What a PATCH is answered with: the whole desired document, and where to see what becomes of each
// change.
Response PatchAnswer(int status, std::string_view device, const LiveTwin& live,
                     const std::vector<PropertyId>& changed) {
  JsonArray list;
  for (const PropertyId id : changed) {
    const std::string& path = live.twin.def(id).path.text();
    list.Raw(JsonObject()
                 .Text("path", path)
                 .Number("revision", DesiredRevision(live.twin, path))
                 .Text("status", StatusLink(device, path))
                 .Take());
  }
  Response response;
  response.status = status;
  response.headers = {{"ETag", DesiredTag(live)}, {"Cache-Control", "no-cache"}};
  response.body =
      JsonObject().Raw("desired", DesiredDocument(live)).Raw("changed", list.Take()).Take() + "\n";
  return response;
}

}  // namespace

void Api::AddRoutes(http::Server& server) {
  const auto route = [&](std::string method, std::string pattern,
                         void (Api::*handler)(const Request&, const Responder&)) {
    server.Route(std::move(method), std::move(pattern),
                 [this, handler](const Request& request, const Responder& responder) {
                   (this->*handler)(request, responder);
                 });
  };
  server.Route("GET", "/healthz", [](const Request&, const Responder& responder) {
    responder->Send({200, "{\"status\":\"ok\"}\n", "application/json", {}});
  });
  server.Route("GET", "/metrics", [this](const Request&, const Responder& responder) {
    responder->Send({200,
                     options_.metrics ? options_.metrics() : std::string(),
                     "text/plain; version=0.0.4; charset=utf-8",
                     {}});
  });
  server.Route("GET", "/v1/twins", [this](const Request& request, const Responder& responder) {
    ListTwins(request, *responder);
  });
  route("GET", "/v1/twins/{}", &Api::GetTwin);
  route("GET", "/v1/twins/{}/properties", &Api::GetTwin);
  route("GET", "/v1/twins/{}/properties/{*}", &Api::GetProperties);
  route("GET", "/v1/twins/{}/desired", &Api::GetDesired);
  route("PATCH", "/v1/twins/{}/desired", &Api::PatchDesired);
  route("GET", "/v1/twins/{}/status", &Api::GetStatus);
  route("GET", "/v1/twins/{}/status/{*}", &Api::GetPropertyStatus);
  route("GET", "/v1/twins/{}/snapshot", &Api::GetSnapshot);
  server.Route("GET", "/v1/events", [this](const Request& request, const Responder& responder) {
    const auto device = request.query.find("twin");
    Watch(request, device == request.query.end() ? "" : device->second, responder);
  });
  server.Route("GET", "/v1/twins/{}/events",
               [this](const Request& request, const Responder& responder) {
                 Watch(request, request.parts[0], responder);
               });
}

void Api::ListTwins(const Request& request, http::Responder& responder) const {
  const auto limit = PageLimit(request, kPageTwins, options_.page_twins_max);
  if (!limit) {
    responder.Send(Problem(limit.error()));
    return;
  }
  const auto after = request.query.find("after");
  const auto twins = fleet_.List(after == request.query.end() ? "" : after->second, *limit + 1);
  JsonArray list;
  for (std::size_t i = 0; i < std::min(*limit, twins.size()); ++i) {
    list.Raw(SummaryDocument(twins[i]));
  }
  JsonObject object;
  object.Raw("twins", list.Take());
  if (twins.size() > *limit) {
    object.Text("next", "/v1/twins?limit=" + std::to_string(*limit) +
                            "&after=" + http::PercentEncode(twins[*limit - 1].summary.device));
  }
  SendDocument(request, responder, object.Take());
}

void Api::GetTwin(const Request& request, const Responder& responder) {
  fleet_.WithTwin(request.parts[0], [request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    SendDocument(request, *responder, TwinDocument(request.parts[0], **live, FilterOf(request)));
  });
}

// One property, or, where the path is the beginning of several, those.
void Api::GetProperties(const Request& request, const Responder& responder) {
  fleet_.WithTwin(request.parts[0], [request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    const std::string& path = request.parts[1];
    const model::Twin& twin = (*live)->twin;
    if (const PropertyId id = twin.Find(path); id != model::kNoProperty) {
      return SendDocument(request, *responder, PropertyDocument(**live, id));
    }
    bool any = false;
    const std::string prefix = path + "/";
    const PathFilter below = [&](std::string_view candidate) {
      const bool fits = candidate.starts_with(prefix);
      any = any || fits;
      return fits;
    };
    std::string document = TwinDocument(request.parts[0], **live, below);
    if (!any) return responder->Send(Problem(NotFound("no property '" + path + "'")));
    SendDocument(request, *responder, std::move(document));
  });
}

void Api::GetDesired(const Request& request, const Responder& responder) {
  fleet_.WithTwin(request.parts[0], [request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    SendDocument(request, *responder, DesiredDocument(**live), DesiredTag(**live));
  });
}

void Api::GetStatus(const Request& request, const Responder& responder) {
  fleet_.WithTwin(request.parts[0], [request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    SendDocument(request, *responder, StatusDocument(**live, FilterOf(request)));
  });
}

void Api::GetPropertyStatus(const Request& request, const Responder& responder) {
  fleet_.WithTwin(request.parts[0], [request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    const PropertyId id = (*live)->twin.Find(request.parts[1]);
    const std::string status = id == model::kNoProperty ? "" : StatusOf(**live, id);
    if (status.empty()) {
      return responder->Send(
          Problem(NotFound("nothing was ever desired of '" + request.parts[1] + "'")));
    }
    SendDocument(request, *responder, status);
  });
}

void Api::GetSnapshot(const Request& request, const Responder& responder) {
  fleet_.WithTwin(request.parts[0], [request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    SendDocument(request, *responder, SnapshotDocument(request.parts[0], **live));
  });
}

void Api::PatchDesired(const Request& request, const Responder& responder) {
  const std::string_view type = request.Header("content-type");
  if (Trim(type.substr(0, type.find(';'))) != kMergePatch) {
    Response refusal = Problem(415, "Unsupported Media Type",
                               "what is desired is changed by " + std::string(kMergePatch));
    refusal.headers.emplace_back("Accept-Patch", std::string(kMergePatch));
    responder->Send(std::move(refusal));
    return;
  }
  fleet_.WithTwin(request.parts[0], [this, request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    ApplyPatch(request, **live, responder);
  });
}

void Api::ApplyPatch(const Request& request, LiveTwin& live, const Responder& responder) {
  const std::string_view if_match = request.Header("if-match");
  if (!if_match.empty() && !NamesTag(if_match, DesiredTag(live), false)) {
    Response refusal = Problem(412, "Precondition Failed",
                               "what is desired has changed since that ETag was given");
    refusal.headers.emplace_back("ETag", DesiredTag(live));
    return responder->Send(std::move(refusal));
  }
  const auto until = ValidUntil(request, loop_.clock().UntrustedWall());
  if (!until) return responder->Send(Problem(until.error()));
  auto patch = ReadDesiredPatch(request.body, live.twin);
  if (!patch) return responder->Send(Problem(patch.error()));
  if (auto refusal = CheckRevisions(request.Header("edgetwin-if-revision"), live.twin)) {
    return responder->Send(*std::move(refusal));
  }
  if (!patch->problems.empty()) {
    return responder->Send(Problem(422, "Unprocessable Content",
                                   "nothing was changed: " + patch->problems.front().path + ": " +
                                       patch->problems.front().detail,
                                   ProblemsJson(patch->problems)));
  }
  const std::string who = WhoAsks(request);
  std::vector<Fleet::Wish> wishes;
  for (PatchedValue& value : patch->values) {
    // Paths of a refused patch would stay: everything else has been looked at before.
    const auto id = live.twin.FindOrAdd(value.path);
    if (!id) return responder->Send(Problem(id.error()));
    wishes.push_back({*id, std::move(value.value), *until});
  }
  if (wishes.empty()) return responder->Send(PatchAnswer(200, request.parts[0], live, {}));
  AnswerWhenDurable(request.parts[0], live, std::move(wishes), who, responder);
}

// A promise is given when it can be kept: once the wishes are on disk.
void Api::AnswerWhenDurable(const std::string& device, LiveTwin& live,
                            std::vector<Fleet::Wish> wishes, const std::string& who,
                            const Responder& responder) {
  std::vector<PropertyId> changed;
  for (const Fleet::Wish& wish : wishes) changed.push_back(wish.id);
  const Loop::Id deadline = loop_.After(options_.commit_wait_max, [responder] {
    responder->Send(
        Problem(TimedOut("the store has not confirmed the change; whether it will "
                         "stand is unknown")));
  });
  // The twin stays in memory while somebody waits for its commit.
  fleet_.SetDesired(
      device, std::move(wishes), who,
      [this, device, responder, deadline, changed = std::move(changed),
       twin = &live](const Status& result) {
        loop_.Cancel(deadline);
        if (result) {
          responder->Send(PatchAnswer(202, device, *twin, changed));
          return;
        }
        responder->Send(Problem(Unavailable("the change is not stored yet, and is tried again: " +
                                            result.error().text)));
      });
}

void Api::Watch(const Request& request, const std::string& device, const Responder& responder) {
  if (!device.empty() && !fleet_.Knows(device)) {
    responder->Send(Problem(NotFound("no device '" + device + "' has ever said Hello")));
    return;
  }
  auto stream = responder->Stream();
  if (stream == nullptr) return;
  feed_.Subscribe(std::move(stream), device, request.Header("last-event-id"));
}

}  // namespace edgetwin::cloud
