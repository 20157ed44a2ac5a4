// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/table.h"

namespace edgetwin::cli {
namespace {

std::string Number(const Json& json, std::string_view key) {
  return At(json, key).is_number() ? api::Grouped(NumberAt(json, key)) : "?";
}

std::string Owed(const Json& owed) {
  if (!At(owed, "rows").is_number()) {
    return Number(owed, "events") + " events; what else is not known while the daemon is down";
  }
  const std::uint64_t rows = NumberAt(owed, "rows");
  const std::uint64_t promises = NumberAt(owed, "promises");
  const std::uint64_t events = NumberAt(owed, "events");
  if (rows + promises + events == 0) return "nothing: the cloud has everything";
  return api::Count(rows, "value", "values") + ", " +
         api::Count(promises, "status or override", "statuses or overrides") + ", " +
         api::Count(events, "event", "events");
}

std::string Interest(const Json& interest) {
  const Json& patterns = At(interest, "patterns");
  std::string text;
  for (const Json& pattern : patterns) {
    if (pattern.is_string()) text += (text.empty() ? "" : ", ") + pattern.get<std::string>();
  }
  if (text.empty()) text = "everything that the cloud wants";
  text += ", version " + Number(interest, "version");
  if (NumberAt(interest, "held") != NumberAt(interest, "version")) {
    text += " (version " + Number(interest, "held") + " is what is held yet)";
  }
  return text;
}

std::string Digests(const Json& sync) {
  return Number(sync, "digests") + " compared, " + Number(sync, "digests_unequal") + " unequal; " +
         Number(sync, "heals") + " healed (" + Number(sync, "healed_rows") + " rows), " +
         Number(sync, "heal_failures") + " failed";
}

std::string Link(const Json& sync) {
  std::string text = api::Count(NumberAt(sync, "sessions"), "session", "sessions");
  if (At(sync, "round_trip_ms").is_number()) {
    text += ", round trip " + std::to_string(NumberAt(sync, "round_trip_ms")) + " ms";
  }
  if (NumberAt(sync, "frame_bytes_max") > 0) {
    text += ", frames of " + Number(sync, "frame_bytes_max") + " bytes at most";
  }
  return text + ", " + Number(sync, "frames_resent") + " frames resent, " +
         Number(sync, "frames_refused") + " refused, " + Number(sync, "nacks") + " nacks";
}

// What happens rarely, and then matters.
void Incidents(Table& table, const Json& sync) {
  const auto add = [&](const char* key, const char* name, const std::string& text) {
    if (NumberAt(sync, key) == 0) return;
    table.Add({{name, Style::kBold}, Number(sync, key) + " " + text});
  };
  add("returned_rows", "returned", "values that a crash took, given back by the cloud");
  if (At(sync, "set_back_to").is_number()) {
    table.Add({{"set back", Style::kBold},
               "this store is an older copy: what it lost ends at revision " +
                   Number(sync, "set_back_to")});
  }
  add("quarantined", "quarantined", "entries that the cloud refuses, set aside");
  add("crash_quarantined", "kept back", "things that ended this agent twice in a row");
  add("orphans", "orphans", "desired values that the cloud lost");
  add("foreign_welcomes", "two clouds", "answers of another cloud than the one last synced with");
  add("events_lost", "lost", "events that the cloud will never see: too many waited");
}

std::string Clock(const Json& clock) {
  const std::string source = TextAt(clock, "source");
  if (source == "cloud") return "told by the cloud, as this machine's own is not trusted";
  return source.empty() ? "not trusted: set it" : "this machine's";
}

void Streams(const Output& out, const Json& streams) {
  Table table({"STREAM", ">REVISION", ">ACKNOWLEDGED", ">ON FLASH"}, 2);
  for (const Json& stream : streams) {
    table.Add({{TextAt(stream, "name"), Style::kBold},
               Number(stream, "head"),
               Number(stream, "acknowledged"),
               Number(stream, "on_flash")});
  }
  out.Line();
  table.Print(out);
}

}  // namespace

Done SyncStatus(const Context& context) {
  const auto answer = context.reader.Sync();
  if (!answer) return tl::unexpected(answer.error());
  const Json& sync = *answer;
  const std::string state = TextAt(sync, "state");
  const bool ok = state == "live" || state == "disabled";
  const Exit exit = ok ? Exit::kOk : Exit::kProblems;
  const Output& out = context.out;
  if (out.json()) {
    out.Document(sync);
    return exit;
  }
  std::string heading = out.Paint(TextAt(sync, "device", "device"), Style::kBold) + "  " +
                        out.Paint(state, ok ? Style::kGood : Style::kBad);
  if (At(sync, "since").is_string()) heading += " since " + TimeAt(sync, "since");
  if (At(sync, "broker").is_string()) heading += ", at " + Printable(TextAt(sync, "broker"));
  out.Line(heading);
  if (state == "disabled") out.Line("  no cloud is configured");
  for (const char* key : {"reason", "advice"}) {
    if (At(sync, key).is_string()) out.Line("  " + Printable(TextAt(sync, key)));
  }
  Streams(out, At(sync, "streams"));
  out.Line();
  Table table({"", ""}, 2);
  const auto add = [&table](const char* name, std::string text) {
    table.Add({{name, Style::kBold}, std::move(text)});
  };
  if (state != "disabled") add("owed", Owed(At(sync, "owed")));
  add("of the cloud", "its revision " + Number(sync, "cloud_control") + " is held");
  add("epoch",
      Number(At(sync, "epoch"), "counter") + ", token " + TextAt(At(sync, "epoch"), "token", "?"));
  add("store", "incarnation " + TextAt(sync, "incarnation", "none") + ", opening " +
                   Number(sync, "openings") + " that is remembered");
  add("interest", Interest(At(sync, "interest")));
  if (At(sync, "digests").is_number()) add("digests", Digests(sync));
  if (At(sync, "sessions").is_number()) add("link", Link(sync));
  Incidents(table, sync);
  add("clock", Clock(At(sync, "clock")));
  table.Print(out);
  return exit;
}

}  // namespace edgetwin::cli
