// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/device_json.h"

#include <algorithm>

#include "sync/cloud/json_text.h"
#include "sync/cloud/twin_json.h"
#include "twin/http/uri.h"

namespace edgetwin::cloud {
namespace {

using model::Admission;

std::string_view ToString(Admission admission) {
  switch (admission) {
    case Admission::kNormal: return "normal";
    case Admission::kNextClaimant: return "next_claimant";
    case Admission::kDecommissioned: return "nobody";
    case Admission::kAnyone: return "anyone";
  }
  return "unknown";
}

bool WasRefused(const Fleet::Listed& device) {
  return device.summary.claim.inc != 0;
}

std::string ClaimJson(const Fleet::Listed& device) {
  const model::Claim& claim = device.summary.claim;
  JsonObject object;
  object.Raw("inc", JsonHex(claim.inc)).Text("why", claim.why);
  if (!claim.hardware.empty()) object.Text("hardware", claim.hardware);
  object.Raw("at", JsonTime(claim.at));
  if (device.refused != WallTime{}) object.Raw("last_refused", JsonTime(device.refused));
  return object.Take();
}

void AddSummary(JsonObject& object, const Fleet::Listed& device) {
  const TwinSummary& summary = device.summary;
  object.Text("id", summary.device).Text("state", ToString(StateOf(device)));
  object.Bool("connected", device.connected);
  object.Raw("registered", JsonTime(summary.registered));
  object.Raw("last_heard", JsonTime(summary.seen));
  object.Number("epoch", summary.epoch);
  object.Text("admission", ToString(summary.admission));
  if (WasRefused(device)) object.Raw("claim", ClaimJson(device));
  if (device.probing) object.Bool("probing", true);
  if (!device.software.empty()) object.Text("software", device.software);
  if (!device.hardware.empty()) object.Text("hardware", device.hardware);
  if (!device.trouble.empty()) object.Text("trouble", device.trouble);
  object.Number("properties", summary.properties);
  JsonObject revision;
  revision.Number("reported", summary.state).Number("control", summary.control);
  object.Raw("revision", revision.Number("desired", summary.head).Take());
}

std::string Refused(const Fleet::Listed& device) {
  const model::Claim& claim = device.summary.claim;
  const std::string label = claim.hardware.empty() ? "" : "hardware '" + claim.hardware + "', ";
  return label + "was refused: " + claim.why;
}

std::string Explain(const Fleet::Listed& device) {
  if (device.probing) {
    return "it is connected, and somebody else says that he is this device: the one that is "
           "connected is being asked whether it is still there";
  }
  switch (StateOf(device)) {
    case DeviceState::kConnected:
      if (!WasRefused(device)) return "it is connected, and nobody else was refused";
      return "it is connected; who else said that it is this device, " + Refused(device);
    case DeviceState::kAway: return "it is not connected, and nobody was refused";
    case DeviceState::kFenced:
      return "nobody speaks for it: who last said that it is this device, " + Refused(device);
    case DeviceState::kAwaiting:
      if (device.summary.admission == Admission::kAnyone) {
        return "an operator lets the next one in that says it is this device, whoever it is";
      }
      return "an operator lets the next one in that says it is this device, and is not the one "
             "that was here last";
    case DeviceState::kDecommissioned:
      return "an operator took it out of service: nobody may speak for it";
  }
  return {};
}

struct Action {
  std::string_view name;
  std::string_view text;
};

std::vector<Action> ActionsFor(const Fleet::Listed& device) {
  constexpr Action kDecommission{"decommission", "nobody may speak for it any more"};
  switch (StateOf(device)) {
    case DeviceState::kConnected:
      return {{"admit", WasRefused(device)
                            ? "if the one that was refused is the right one: it takes over, and "
                              "the one that is connected now is refused"
                            : "if another board is to take its place"},
              kDecommission};
    case DeviceState::kAway:
      return {{"admit", "if another board is to take its place"}, kDecommission};
    case DeviceState::kFenced:
      return {{"admit", "if the one that was refused is the right one: it takes over"},
              kDecommission};
    case DeviceState::kAwaiting:
      return {{"withdraw", "if nobody is to be let in after all: it stands as it did before"},
              kDecommission};
    case DeviceState::kDecommissioned:
      return {{"admit", "to put it, or another board, into service again"}};
  }
  return {};
}

std::string ActionsJson(const Fleet::Listed& device) {
  JsonArray array;
  for (const Action& action : ActionsFor(device)) {
    const std::string link = "/v1/devices/" + http::PercentEncode(device.summary.device) + "/" +
                             std::string(action.name);
    array.Raw(
        JsonObject().Text("do", action.name).Text("post", link).Text("text", action.text).Take());
  }
  return array.Take();
}

std::string CountersJson(const sync::CloudStatus& status) {
  JsonObject object;
  object.Number("sessions", status.sessions).Number("resets", status.resets);
  object.Number("refused", status.fenced).Number("probes", status.probes);
  object.Number("gaps", status.gaps).Number("frames_resent", status.frames_resent);
  object.Number("frames_refused", status.refused_frames + status.refused_content);
  object.Number("rows_refused", status.refused_rows);
  object.Number("digests", status.digests).Number("digests_unequal", status.digests_unequal);
  object.Number("heals", status.heals).Number("heal_bytes", status.heal_bytes);
  return object.Take();
}

}  // namespace

std::string_view ToString(DeviceState state) {
  switch (state) {
    case DeviceState::kConnected: return "connected";
    case DeviceState::kAway: return "away";
    case DeviceState::kFenced: return "fenced";
    case DeviceState::kAwaiting: return "awaiting";
    case DeviceState::kDecommissioned: return "decommissioned";
  }
  return "unknown";
}

DeviceState StateOf(const Fleet::Listed& device) {
  const Admission admission = device.summary.admission;
  if (admission == Admission::kDecommissioned) return DeviceState::kDecommissioned;
  if (admission != Admission::kNormal) return DeviceState::kAwaiting;
  if (device.connected) return DeviceState::kConnected;
  return WasRefused(device) ? DeviceState::kFenced : DeviceState::kAway;
}

std::string DeviceSummary(const Fleet::Listed& device) {
  JsonObject object;
  AddSummary(object, device);
  return object.Take();
}

std::string DeviceDocument(const Fleet::Listed& device, const LiveTwin& live) {
  const sync::CloudStatus status = live.session.status();
  JsonObject object;
  AddSummary(object, device);
  object.Text("explanation", Explain(device)).Raw("actions", ActionsJson(device));
  object.Raw("durable", RevisionDocument(live, true));
  object.Number("desired_acknowledged", status.desired_acked);
  object.Number("events", status.events_durable);
  const auto& commands = live.session.commands().all();
  object.Number("commands_open",
                static_cast<std::uint64_t>(std::ranges::count_if(commands, [](const auto& entry) {
                  return entry.second.state == model::CommandState::kOpen;
                })));
  object.Number("quarantined", status.quarantined);
  object.Number("stores_given_up", status.superseded_n);
  if (status.round_trip) {
    object.Number("round_trip_us", static_cast<std::uint64_t>(status.round_trip->count()));
  }
  JsonArray patterns;
  for (const std::string& pattern : status.interest.patterns) patterns.Raw(JsonString(pattern));
  JsonObject interest;
  interest.Number("version", status.interest.version).Number("held", status.interest_held);
  object.Raw("interest", interest.Raw("patterns", patterns.Take()).Take());
  return object.Raw("since_start", CountersJson(status)).Take();
}

}  // namespace edgetwin::cloud
