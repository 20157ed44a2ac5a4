// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/table.h"

namespace edgetwin::cli {
namespace {

using std::chrono::milliseconds;

Style SeverityStyle(std::string_view severity) {
  if (severity == "error") return Style::kBad;
  return severity == "warning" ? Style::kWarn : Style::kPlain;
}

std::string SpanAt(const Json& json, std::string_view key) {
  return api::Span(milliseconds(NumberAt(json, key)));
}

void Heading(const Output& out, const Json& status) {
  const bool ok = TextAt(status, "health") == "ok";
  std::string line = out.Paint(TextAt(At(status, "device"), "id", "device"), Style::kBold);
  const std::string description = TextAt(At(status, "device"), "description");
  if (!description.empty()) line += " (" + out.Paint(description, Style::kPlain) + ")";
  line += "  " + out.Paint(ok ? "OK" : "PROBLEMS", ok ? Style::kGood : Style::kBad);
  if (TextAt(status, "daemon") == "running") {
    line += "  edgetwind " + out.Paint(TextAt(status, "version"), Style::kPlain) + ", up " +
            SpanAt(status, "uptime_ms");
  }
  out.Line(line);
}

void Problems(const Output& out, const Json& status) {
  out.Line();
  Table table({"", ""}, 2);
  for (const Json& problem : At(status, "problems")) {
    const std::string severity = TextAt(problem, "severity");
    table.Add({{severity, SeverityStyle(severity)}, TextAt(problem, "text")});
  }
  if (table.empty()) return out.Line("  " + out.Paint("nothing is wrong", Style::kGood));
  table.Print(out);
}

std::string Cloud(const Json& status) {
  const Json& sync = At(status, "sync");
  const std::string state = TextAt(sync, "state");
  if (state == "disabled") return "none is configured";
  if (state == "down") return "not known while the daemon is down";
  std::string text = state;
  const Json& link = At(status, "link");
  if (At(link, "broker").is_string()) text += " at " + TextAt(link, "broker");
  text += " since " + TimeAt(sync, "since");
  const std::uint64_t backlog = NumberAt(status, "backlog_rows");
  text += backlog == 0 ? "; no change waits"
                       : "; " + api::Count(backlog, "row", "rows") +
                             (state == "live" ? " on the way" : " waiting");
  return text;
}

std::string Revision(const Json& status) {
  const Json& sync = At(status, "sync");
  std::string text = api::Grouped(NumberAt(sync, "revision"));
  if (At(sync, "acknowledged").is_number()) {
    text += ", acknowledged " + api::Grouped(NumberAt(sync, "acknowledged"));
  }
  if (NumberAt(sync, "on_flash") > 0) {
    text += ", on flash " + api::Grouped(NumberAt(sync, "on_flash"));
  }
  if (At(sync, "round_trip_ms").is_number()) {
    text += "; round trip " + std::to_string(NumberAt(sync, "round_trip_ms")) + " ms";
  }
  return text;
}

std::string Counted(const Json& counts, std::initializer_list<const char*> names) {
  std::string text;
  for (const char* name : names) {
    if (NumberAt(counts, name) == 0) continue;
    text += (text.empty() ? "" : ", ") + api::Grouped(NumberAt(counts, name)) + " " + name;
  }
  return text.empty() ? "none" : text;
}

std::string PropertyCounts(const Json& counts) {
  std::string text = api::Grouped(NumberAt(counts, "total")) + ": " +
                     Counted(counts, {"good", "uncertain", "bad", "stale"});
  text += "; " + api::Grouped(NumberAt(counts, "desired")) + " desired by the cloud, " +
          api::Count(NumberAt(counts, "overrides"), "override", "overrides");
  return text;
}

std::string Store(const Json& store) {
  if (At(store, "file").is_string()) return TextAt(store, "file");
  return TextAt(store, "directory") + ", " + Bytes(NumberAt(store, "file_bytes")) + ", " +
         api::Count(NumberAt(store, "commits"), "commit", "commits");
}

std::string Flash(const Json& flash) {
  std::string text = Bytes(NumberAt(flash, "today_bytes")) + " today";
  const std::uint64_t max = NumberAt(flash, "day_bytes_max");
  if (max > 0) text += " of " + Bytes(max);
  if (At(flash, "year_bytes").is_number()) {
    text += ", " + Bytes(NumberAt(flash, "year_bytes")) + " a year at this rate";
  }
  if (NumberAt(flash, "stretch") > 0) text += "; the history gathers longer, to stay within it";
  return text;
}

void Facts(const Output& out, const Json& status) {
  out.Line();
  Table table({"", ""}, 2);
  const auto add = [&table](const char* name, std::string text) {
    table.Add({{name, Style::kBold}, std::move(text)});
  };
  add("cloud", Cloud(status));
  add("revision", Revision(status));
  add("properties", PropertyCounts(At(status, "properties")));
  if (At(status, "drivers").is_object()) {
    add("drivers", Counted(At(status, "drivers"), {"running", "waiting", "failed", "stopped"}));
  }
  add("store", Store(At(status, "store")));
  const Json& history = At(status, "history");
  if (history.is_object()) {
    std::string text = Bytes(NumberAt(history, "file_bytes")) + " of " +
                       Bytes(NumberAt(history, "bytes_max")) + ", " +
                       api::Count(NumberAt(history, "blocks"), "block", "blocks") +
                       " written since the start";
    const std::uint64_t lost = NumberAt(history, "lost");
    if (lost > 0) text += ", at most " + api::Count(lost, "sample", "samples") + " lost";
    const Json& backfill = At(history, "backfill");
    if (At(backfill, "taken_by_cloud") == true) {
      text += At(backfill, "caught_up") == true ? "; the cloud has it" : "; going to the cloud";
    }
    const std::string error = TextAt(history, "error");
    add("history", error.empty() ? text : text + "; not stored: " + error);
  }
  if (At(status, "flash").is_object()) add("flash", Flash(At(status, "flash")));
  const Json& memory = At(status, "memory");
  if (At(memory, "rss_bytes").is_number()) add("memory", Bytes(NumberAt(memory, "rss_bytes")));
  table.Print(out);
}

}  // namespace

Done Status(const Context& context) {
  const auto status = context.reader.Status();
  if (!status) return tl::unexpected(status.error());
  const Exit exit = TextAt(*status, "health") == "ok" ? Exit::kOk : Exit::kProblems;
  if (context.out.json()) {
    context.out.Document(*status);
    return exit;
  }
  Heading(context.out, *status);
  Problems(context.out, *status);
  Facts(context.out, *status);
  return exit;
}

Done Limits(const Context& context) {
  const auto status = context.client.Get("/v1/status");
  if (!status) return tl::unexpected(status.error());
  const Json& limits = At(*status, "limits");
  if (context.out.json()) {
    context.out.Document({{"limits", limits}});
    return Exit::kOk;
  }
  Table table({"LIMIT", ">MAX", ">USED", ">PEAK", ">HITS"});
  for (const Json& limit : limits) {
    const bool hit = NumberAt(limit, "hits") > 0;
    const auto number = [&limit](std::string_view key) {
      return api::Grouped(NumberAt(limit, key));
    };
    table.Add({TextAt(limit, "name"),
               number("max"),
               number("used"),
               number("peak"),
               {number("hits"), hit ? Style::kWarn : Style::kPlain}});
  }
  table.Print(context.out);
  return Exit::kOk;
}

}  // namespace edgetwin::cli
