// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <utility>

#include "agent/api/history.h"
#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/plot.h"
#include "agent/cli/table.h"
#include "agent/cli/when.h"
#include "twin/base/clock.h"

namespace edgetwin::cli {
namespace {

constexpr std::size_t kPlotColumns = 64;
constexpr std::size_t kPlotRows = 10;

std::string Millis(WallTime time) {
  return std::to_string(time.time_since_epoch().count());
}

// The daemon's answer or, when it is down, what the file gives.
Outcome<Json> Ask(const Context& context, const std::string& target,
                  const std::function<Result<Json>(const std::string& file)>& from_file) {
  std::string why;
  if (!context.store_only) {
    auto answer = context.client.Get(target);
    if (answer || !answer.error().down) return answer;
    why = answer.error().text;
  }
  // A store that is named is looked at where it lies.
  const std::string& folder = context.store_only ? context.places.store : context.places.history;
  Result<Json> json = from_file(folder + "/history.db");
  if (json) {
    if (!why.empty()) context.out.Say(why + "; showing what its history file holds");
    return std::move(*json);
  }
  const Exit exit =
      json.error().code == ErrorCode::kNotFound ? Exit::kNotFound : ExitOf(json.error());
  return Fail(exit, (why.empty() ? "" : why + "; ") + json.error().text);
}

std::string Local(const Json& json, std::string_view key) {
  const auto time = api::ParseTime(At(json, key));
  return time ? api::LocalTime(*time, SystemClock().UntrustedWall()) : "-";
}

std::string Value(const Json& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// RFC 4180.
std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void PrintCsv(const Context& context, const Json& answer) {
  if (At(answer, "samples").is_array()) {
    context.out.Line("time,value,quality");
    for (const Json& sample : At(answer, "samples")) {
      context.out.Line(TextAt(sample, "time") + "," + Field(Value(At(sample, "value"))) + "," +
                       TextAt(sample, "quality"));
    }
    return;
  }
  context.out.Line("time,count,min,mean,max");
  for (const Json& point : At(answer, "points")) {
    context.out.Line(TextAt(point, "time") + "," + std::to_string(NumberAt(point, "count")) + "," +
                     Value(At(point, "min")) + "," + Value(At(point, "mean")) + "," +
                     Value(At(point, "max")));
  }
}

void PrintTable(const Context& context, const Json& answer) {
  if (At(answer, "samples").is_array()) {
    Table table({"TIME", ">VALUE", "QUALITY"});
    for (const Json& sample : At(answer, "samples")) {
      const std::string quality = TextAt(sample, "quality");
      table.Add(
          {Local(sample, "time"), Value(At(sample, "value")), {quality, QualityStyle(quality)}});
    }
    return table.Print(context.out);
  }
  Table table({"FROM", ">SAMPLES", ">MIN", ">MEAN", ">MAX"});
  for (const Json& point : At(answer, "points")) {
    table.Add({Local(point, "time"), api::Grouped(NumberAt(point, "count")),
               Value(At(point, "min")), Value(At(point, "mean")), Value(At(point, "max"))});
  }
  table.Print(context.out);
}

void PrintPlot(const Context& context, const Json& answer, WallTime from, WallTime to) {
  std::vector<std::optional<PlotColumn>> columns(kPlotColumns);
  const auto bucket = static_cast<std::int64_t>(NumberAt(answer, "bucket_ms"));
  std::uint64_t count = 0;
  for (const Json& point : At(answer, "points")) {
    count += NumberAt(point, "count");
    const auto time = api::ParseTime(At(point, "time"));
    const Json& min = At(point, "min");
    const Json& mean = At(point, "mean");
    const Json& max = At(point, "max");
    if (!time || !min.is_number() || !mean.is_number() || !max.is_number() || bucket <= 0) continue;
    const auto column = static_cast<std::size_t>((*time - from).count() / bucket);
    if (column < columns.size()) columns[column] = PlotColumn{min, mean, max};
  }
  const WallTime now = SystemClock().UntrustedWall();
  for (const std::string& line : Plot(columns, kPlotRows)) context.out.Line(line);
  context.out.Line(std::string(11, ' ') + api::LocalTime(from, now) + " … " +
                   api::LocalTime(to, now) + ", " + api::Count(count, "sample", "samples"));
}

}  // namespace

Done History(const Context& context, const HistoryArguments& arguments) {
  const WallTime now = SystemClock().UntrustedWall();
  api::HistoryQuery query;
  query.path = arguments.path;
  const auto from = ReadWhen(arguments.from.empty() ? "1h" : arguments.from, now);
  if (!from) return tl::unexpected(from.error());
  const auto to = ReadWhen(arguments.to.empty() ? "0" : arguments.to, now);
  if (!to) return tl::unexpected(to.error());
  if (*from > *to) return Fail(Exit::kUsage, "--from is after --to");
  const bool plot = !context.out.json() && !arguments.csv && !arguments.table;
  query.range = {*from, *to, plot ? kPlotColumns : arguments.points};
  const auto answer =
      Ask(context,
          "/v1/history?path=" + Escaped(arguments.path, true) + "&from=" + Millis(*from) +
              "&to=" + Millis(*to) + "&max_points=" + std::to_string(query.range.points_max),
          [&query](const std::string& file) { return api::StoredHistoryJson(file, query); });
  if (!answer) return tl::unexpected(answer.error());
  if (context.out.json()) {
    context.out.Document(*answer);
  } else if (arguments.csv) {
    PrintCsv(context, *answer);
  } else if (plot) {
    PrintPlot(context, *answer, *from, *to);
  } else {
    PrintTable(context, *answer);
  }
  const Json& truncated = At(*answer, "truncated");
  if (truncated.is_boolean() && truncated.get<bool>()) {
    context.out.Say("there are more; ask for less time, or for --points");
  }
  const std::uint64_t aggregated = NumberAt(*answer, "aggregated");
  if (aggregated > 0) {
    const bool points = At(*answer, "points").is_array();
    context.out.Say("of " + api::Count(aggregated, "sample", "samples") +
                    " only hourly minimum, mean and maximum are left" +
                    (points ? "" : "; ask for --points to see them"));
  }
  const std::uint64_t damaged = NumberAt(*answer, "damaged_blocks");
  if (damaged == 0) return Exit::kOk;
  context.out.Say(api::Count(damaged, "block", "blocks") + " can't be read");
  return Exit::kProblems;
}

Done HistoryGaps(const Context& context, const std::string& path) {
  const auto answer =
      Ask(context, "/v1/history/gaps" + (path.empty() ? "" : "?path=" + Escaped(path, true)),
          [&path](const std::string& file) { return api::StoredGapsJson(file, path); });
  if (!answer) return tl::unexpected(answer.error());
  if (context.out.json()) {
    context.out.Document(*answer);
    return Exit::kOk;
  }
  Table table({"PATH", "FROM", "TO", ">SAMPLES", "WHY"});
  for (const Json& gap : At(*answer, "gaps")) {
    const Json& exact = At(gap, "exact");
    const bool bound = exact.is_boolean() && !exact.get<bool>();
    table.Add({{TextAt(gap, "path"), Style::kBold},
               Local(gap, "from"),
               Local(gap, "to"),
               (bound ? "at most " : "") + api::Grouped(NumberAt(gap, "count")),
               TextAt(gap, "reason")});
  }
  if (table.empty()) {
    context.out.Line("nothing is missing");
  } else {
    table.Print(context.out);
  }
  return Exit::kOk;
}

Done HistoryAudit(const Context& context) {
  const auto answer = Ask(context, "/v1/history/audit", api::StoredAuditJson);
  if (!answer) return tl::unexpected(answer.error());
  const Json& sum = At(*answer, "adds_up");
  const Exit exit = sum.is_boolean() && sum.get<bool>() ? Exit::kOk : Exit::kProblems;
  if (context.out.json()) {
    context.out.Document(*answer);
    return exit;
  }
  Table table({"PATH", ">PRODUCED", ">STORED", ">IN MEMORY", ">DELIVERED", ">LOST", ">AT MOST",
               ">BYTES", ""});
  for (const Json& path : At(*answer, "paths")) {
    const auto number = [&path](std::string_view key) { return api::Grouped(NumberAt(path, key)); };
    const Json& adds_up = At(path, "adds_up");
    const bool right = adds_up.is_boolean() && adds_up.get<bool>();
    table.Add({{TextAt(path, "path"), Style::kBold},
               number("produced"),
               number("stored"),
               number("in_memory"),
               number("delivered"),
               number("lost"),
               number("lost_at_most"),
               number("bytes"),
               {right ? "adds up" : "DOES NOT ADD UP", right ? Style::kGood : Style::kBad}});
  }
  if (table.empty()) {
    context.out.Line("nothing was recorded yet");
  } else {
    table.Print(context.out);
  }
  return exit;
}

}  // namespace edgetwin::cli
