// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/device_api.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "sync/cloud/command_request.h"
#include "sync/cloud/device_json.h"
#include "sync/cloud/documents.h"
#include "sync/cloud/json_body.h"
#include "sync/cloud/json_text.h"
#include "sync/cloud/twin_json.h"
#include "twin/http/uri.h"

namespace edgetwin::cloud {
namespace {

using http::Problem;
using http::Request;
using http::Response;

constexpr std::size_t kPage = 100;

// 400 that names the member, or the parameter, that is wrong.
Response BadKey(std::string_view key, std::string_view detail) {
  return Problem(400, "Bad Request", detail,
                 key.empty() ? std::string() : "\"key\":" + JsonString(key));
}

// Whether the body is said to be JSON; answers when it isn't.
bool IsJson(const Request& request, http::Responder& responder) {
  const std::string_view type = request.Header("content-type");
  if (Trim(type.substr(0, type.find(';'))) == "application/json") return true;
  responder.Send(Problem(415, "Unsupported Media Type", "the body is to be application/json"));
  return false;
}

std::string LinkTo(std::string_view device, std::string_view what) {
  return "/v1/devices/" + http::PercentEncode(device) + "/" + std::string(what);
}

std::string Hex(std::uint64_t number) {
  const std::string quoted = JsonHex(number);
  return quoted.substr(1, quoted.size() - 2);
}

// "000000000000dddd-17", as `next` has it. A seq alone would not do: a device with a new store
// counts anew.
std::optional<model::Dot> ParseDot(std::string_view text) {
  model::Dot dot;
  const char* end = text.data() + text.size();
  if (text.size() < 18 || text[16] != '-') return std::nullopt;
  const char* dash = text.data() + 16;
  if (std::from_chars(text.data(), dash, dot.inc, 16).ptr != dash) return std::nullopt;
  const auto [stop, error] = std::from_chars(dash + 1, end, dot.seq);
  if (error != std::errc() || stop != end || dot.seq == 0) return std::nullopt;
  return dot;
}

Response CommandAnswer(int status, const std::string& device, const LiveTwin& live,
                       const model::Command& command) {
  Response response;
  response.status = status;
  response.headers = {{"Location", LinkTo(device, "commands/" + Hex(command.id))}};
  response.body = CommandDocument(live, command) + "\n";
  return response;
}

}  // namespace

void DeviceApi::AddRoutes(http::Server& server) {
  const auto route = [&](std::string method, std::string pattern,
                         void (DeviceApi::*handler)(const Request&, const Responder&)) {
    server.Route(std::move(method), std::move(pattern),
                 [this, handler](const Request& request, const Responder& responder) {
                   (this->*handler)(request, responder);
                 });
  };
  route("GET", "/v1/devices", &DeviceApi::List);
  route("GET", "/v1/devices/{}", &DeviceApi::Get);
  route("POST", "/v1/devices/{}/admit", &DeviceApi::Admit);
  route("POST", "/v1/devices/{}/withdraw", &DeviceApi::Withdraw);
  route("POST", "/v1/devices/{}/decommission", &DeviceApi::Decommission);
  route("GET", "/v1/devices/{}/events", &DeviceApi::ListEvents);
  route("GET", "/v1/devices/{}/commands", &DeviceApi::ListCommands);
  route("POST", "/v1/devices/{}/commands", &DeviceApi::GiveCommand);
  route("GET", "/v1/devices/{}/commands/{}", &DeviceApi::GetCommand);
}

void DeviceApi::List(const Request& request, const Responder& responder) {
  const auto limit = PageLimit(request, kPage, options_.page_max);
  if (!limit) return responder->Send(BadKey("limit", limit.error().text));
  const auto after = request.query.find("after");
  const auto devices = fleet_.List(after == request.query.end() ? "" : after->second, *limit + 1);
  JsonArray list;
  for (std::size_t i = 0; i < std::min(*limit, devices.size()); ++i) {
    list.Raw(DeviceSummary(devices[i]));
  }
  JsonObject object;
  object.Raw("devices", list.Take());
  if (devices.size() > *limit) {
    object.Text("next", "/v1/devices?limit=" + std::to_string(*limit) +
                            "&after=" + http::PercentEncode(devices[*limit - 1].summary.device));
  }
  SendDocument(request, *responder, object.Take());
}

std::string DeviceApi::Document(const std::string& device) const {
  return DeviceDocument(fleet_.Summary(device), *fleet_.Loaded(device));
}

void DeviceApi::Get(const Request& request, const Responder& responder) {
  fleet_.WithTwin(request.parts[0], [this, request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    SendDocument(request, *responder, Document(request.parts[0]));
  });
}

void DeviceApi::WhenDurable(const Responder& responder, const std::function<void(Done)>& change,
                            std::function<Response()> answer) {
  const Loop::Id deadline = loop_.After(options_.commit_wait_max, [responder] {
    responder->Send(
        Problem(TimedOut("the store has not confirmed it; whether it will stand is unknown")));
  });
  // What is refused is refused at once; later it is the store that fails.
  const auto taken = std::make_shared<bool>(false);
  change([this, responder, deadline, taken, answer = std::move(answer)](const Status& result) {
    loop_.Cancel(deadline);
    if (result) return responder->Send(answer());
    if (!*taken) return responder->Send(Problem(result.error()));
    responder->Send(
        Problem(Unavailable("it is not stored yet, and is tried again: " + result.error().text)));
  });
  *taken = true;
}

void DeviceApi::Decide(const std::string& device, const Responder& responder, Decision decision) {
  fleet_.WithTwin(device, [this, device, responder, decision](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    WhenDurable(
        responder, [&](Done done) { (fleet_.*decision)(device, std::move(done)); },
        [this, device] { return Response{.body = Document(device) + "\n", .headers = {}}; });
  });
}

void DeviceApi::Admit(const Request& request, const Responder& responder) {
  Decide(request.parts[0], responder, &Fleet::Admit);
}

void DeviceApi::Withdraw(const Request& request, const Responder& responder) {
  Decide(request.parts[0], responder, &Fleet::WithdrawAdmission);
}

void DeviceApi::Decommission(const Request& request, const Responder& responder) {
  const std::string& device = request.parts[0];
  if (!IsJson(request, *responder)) return;
  fleet_.WithTwin(device, [this, device, request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    const auto body = ReadJsonObject(request.body, "a confirmation");
    if (!body) return responder->Send(BadKey({}, body.error().text));
    const auto confirm = body->find("confirm");
    if (confirm == body->end() || *confirm != device) {
      return responder->Send(
          BadKey("confirm",
                 "nobody will be able to speak for this device any more; to confirm, "
                 "send {\"confirm\":\"" +
                     device + "\"}"));
    }
    Decide(device, responder, &Fleet::Decommission);
  });
}

void DeviceApi::ListEvents(const Request& request, const Responder& responder) {
  const std::string& device = request.parts[0];
  const auto limit = PageLimit(request, kPage, options_.page_max);
  if (!limit) return responder->Send(BadKey("limit", limit.error().text));
  model::Dot before;
  if (const auto text = request.query.find("before"); text != request.query.end()) {
    const auto dot = ParseDot(text->second);
    if (!dot) {
      return responder->Send(BadKey("before",
                                    "before is an event's inc and seq, as in "
                                    "000000000000dddd-17; not '" +
                                        text->second + "'"));
    }
    before = *dot;
  }
  // One more than asked for says whether there is a next page.
  fleet_.ListEvents(
      device, before, *limit + 1,
      [this, device, limit = *limit, request, responder](Result<std::vector<model::Event>> events) {
        if (!events) return responder->Send(Problem(events.error()));
        // The twin has the paths of the events' properties.
        fleet_.WithTwin(device, [device, limit, request, responder,
                                 events = *std::move(events)](Result<LiveTwin*> live) {
          if (!live) return responder->Send(Problem(live.error()));
          JsonArray list;
          for (std::size_t i = 0; i < std::min(limit, events.size()); ++i) {
            list.Raw(EventDocument(device, (*live)->twin, events[i]));
          }
          JsonObject object;
          object.Raw("events", list.Take());
          if (events.size() > limit) {
            const model::Dot& last = events[limit - 1].dot;
            object.Text("next", LinkTo(device, "events?limit=" + std::to_string(limit) +
                                                   "&before=" + Hex(last.inc) + "-" +
                                                   std::to_string(last.seq)));
          }
          SendDocument(request, *responder, object.Take());
        });
      });
}

void DeviceApi::ListCommands(const Request& request, const Responder& responder) {
  const auto limit = PageLimit(request, kPage, options_.page_max);
  if (!limit) return responder->Send(BadKey("limit", limit.error().text));
  const auto state = request.query.find("state");
  const bool open_only = state != request.query.end();
  if (open_only && state->second != "open") {
    return responder->Send(
        BadKey("state", "state is open, or left out for all; not '" + state->second + "'"));
  }
  fleet_.WithTwin(
      request.parts[0], [limit = *limit, open_only, request, responder](Result<LiveTwin*> live) {
        if (!live) return responder->Send(Problem(live.error()));
        const auto& commands = (*live)->session.commands().all();
        JsonArray list;
        std::size_t listed = 0;
        for (auto entry = commands.rbegin(); entry != commands.rend() && listed < limit; ++entry) {
          if (open_only && entry->second.state != model::CommandState::kOpen) continue;
          list.Raw(CommandDocument(**live, entry->second));
          ++listed;
        }
        SendDocument(request, *responder, JsonObject().Raw("commands", list.Take()).Take());
      });
}

void DeviceApi::GetCommand(const Request& request, const Responder& responder) {
  const auto id = ParseCommandId(request.parts[1]);
  if (!id) {
    return responder->Send(
        BadKey("id", "a command's id is 16 hexadecimal digits, not '" + request.parts[1] + "'"));
  }
  fleet_.WithTwin(request.parts[0], [id = *id, request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    const model::Command* command = (*live)->session.commands().Find(id);
    if (command == nullptr) {
      return responder->Send(Problem(
          NotFound("no command '" + request.parts[1] + "' of this device is known (any more)")));
    }
    SendDocument(request, *responder, CommandDocument(**live, *command));
  });
}

void DeviceApi::GiveCommand(const Request& request, const Responder& responder) {
  if (!IsJson(request, *responder)) return;
  fleet_.WithTwin(request.parts[0], [this, request, responder](Result<LiveTwin*> live) {
    if (!live) return responder->Send(Problem(live.error()));
    Give(request, **live, responder);
  });
}

void DeviceApi::Give(const Request& request, const LiveTwin& live, const Responder& responder) {
  const std::string& device = request.parts[0];
  auto command = ReadCommand(request.body, live.twin, loop_.clock().UntrustedWall());
  if (!command) return responder->Send(BadKey(command.error().key, command.error().detail));
  const model::Command* known =
      command->id == 0 ? nullptr : live.session.commands().Find(command->id);
  if (known != nullptr) {
    if (!IsSameCommand(*known, *command)) {
      return responder->Send(Problem(Conflict("another command has this id already: '" +
                                              known->name + "' of '" + known->path + "'")));
    }
    if (!live.session.Durable(known->dot.seq)) {
      return responder->Send(Problem(Unavailable("it is taken, but not stored yet; ask again")));
    }
    return responder->Send(CommandAnswer(200, device, live, *known));
  }
  if (live.session.status().admission == model::Admission::kDecommissioned) {
    return responder->Send(Problem(
        Conflict("the device is decommissioned: nobody would ever answer; admit one first")));
  }
  while (command->id == 0) command->id = options_.random(~std::uint64_t{0});
  command->who = WhoAsks(request);
  const std::uint64_t id = command->id;
  // The twin stays in memory while somebody waits for its commit.
  WhenDurable(
      responder, [&](Done done) { fleet_.Command(device, *std::move(command), std::move(done)); },
      [device, id, twin = &live] {
        return CommandAnswer(201, device, *twin, *twin->session.commands().Find(id));
      });
}

}  // namespace edgetwin::cloud
