// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/table.h"

namespace edgetwin::cli {
namespace {

constexpr std::size_t kValueColumnsMax = 40;
constexpr std::uint64_t kStuckMs = 10'000;

// What a person should know beside the value.
std::string Notes(const Json& property) {
  std::string text;
  const auto add = [&text](const std::string& note) { text += (text.empty() ? "" : "; ") + note; };
  const Json& held = At(property, "override");
  if (held.is_object()) {
    add("held by " + TextAt(held, "who", "?") + " for " +
        api::Span(std::chrono::milliseconds(NumberAt(held, "left_ms"))));
  }
  const Json& desired = At(property, "desired");
  const std::string state = TextAt(desired, "state");
  if (desired.is_object() && state != "applied") {
    add("desired " + TextAt(desired, "shown") + ": " + state);
  }
  if (At(property, "unsynced").is_boolean() && At(property, "unsynced").get<bool>()) {
    add("clock not trusted");
  }
  // On the way is not worth a word; stuck is.
  const Json& acknowledged = At(property, "acknowledged");
  if (acknowledged.is_boolean() && !acknowledged.get<bool>() &&
      NumberAt(property, "age_ms") >= kStuckMs) {
    add("not in the cloud yet");
  }
  return text;
}

void AddRow(Table& table, const Json& property) {
  const std::string quality = TextAt(property, "quality");
  table.Add({TextAt(property, "path"),
             {Cut(TextAt(property, "shown", "-"), kValueColumnsMax),
              quality == "bad" || quality == "stale" ? QualityStyle(quality) : Style::kPlain},
             {quality, QualityStyle(quality)},
             AgoAt(property, "time"),
             Notes(property)});
}

Table PropertyTable() {
  return Table({"PATH", ">VALUE", "QUALITY", "CHANGED", "NOTES"});
}

// What -q prints: for scripts, so without unit and exact.
std::string Bare(const Json& property) {
  const Json& value = At(property, "value");
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string Bounds(const Json& property) {
  const Json& writable = At(property, "writable");
  if (!writable.is_boolean() || !writable.get<bool>()) return "no";
  std::string text = "yes";
  if (!At(property, "min").is_null()) text += ", from " + At(property, "min").dump();
  if (!At(property, "max").is_null()) text += ", up to " + At(property, "max").dump();
  return text;
}

void Sheet(const Output& out, const Json& property) {
  const std::string quality = TextAt(property, "quality");
  out.Line(out.Paint(TextAt(property, "path"), Style::kBold) + "  " +
           out.Paint(TextAt(property, "shown", "no value"), Style::kPlain) + "  " +
           out.Paint(quality, QualityStyle(quality)));
  Table table({"", ""}, 2);
  const auto add = [&table](const char* name, const std::string& text) {
    if (!text.empty()) table.Add({{name, Style::kDim}, text});
  };
  add("description", TextAt(property, "description"));
  add("changed", TimeAt(property, "time"));
  if (At(property, "read_age_ms").is_number()) {
    add("read", api::Relative(std::chrono::milliseconds(NumberAt(property, "read_age_ms"))));
  }
  add("type", TextAt(property, "type"));
  add("writable", Bounds(property));
  std::string source = TextAt(property, "instance");
  if (!TextAt(property, "source").empty()) source += ": " + TextAt(property, "source");
  add("source", source);
  add("notes", Notes(property));
  table.Print(out);
}

bool Wild(const std::string& pattern) {
  return pattern.find_first_of("*?") != std::string::npos;
}

}  // namespace

Done List(const Context& context, const std::string& pattern) {
  const auto list = context.reader.Properties(pattern);
  if (!list) return tl::unexpected(list.error());
  const Json& properties = At(*list, "properties");
  if (context.out.json()) {
    context.out.Document(*list);
  } else if (!properties.empty()) {
    Table table = PropertyTable();
    for (const Json& property : properties) AddRow(table, property);
    table.Print(context.out);
  }
  if (!properties.empty()) return Exit::kOk;
  if (pattern.empty()) {
    context.out.Say("there are no properties yet; see 'edgetwin drivers'");
    return Exit::kOk;
  }
  // The path's own answer names what is near.
  const auto one = Wild(pattern) ? Outcome<Json>(Json()) : context.reader.Property(pattern);
  if (!one) return tl::unexpected(one.error());
  return Fail(Exit::kNotFound, "no property matches '" + pattern + "'");
}

Done Get(const Context& context, const std::vector<std::string>& paths, bool quiet) {
  std::vector<Json> found;
  Exit exit = Exit::kOk;
  for (const std::string& path : paths) {
    auto property = context.reader.Property(path);
    if (property) {
      found.push_back(*std::move(property));
      continue;
    }
    if (property.error().exit != Exit::kNotFound) return tl::unexpected(property.error());
    context.out.Say(property.error().text);
    exit = Exit::kNotFound;
  }
  if (quiet) {
    for (const Json& property : found) {
      if (!At(property, "value").is_null()) {
        context.out.Line(context.out.terminal() ? Printable(Bare(property)) : Bare(property));
        continue;
      }
      context.out.Say(TextAt(property, "path") + " has no value");
      if (exit == Exit::kOk) exit = Exit::kProblems;
    }
  } else if (context.out.json()) {
    if (paths.size() > 1) context.out.Document(Json(found));
    if (paths.size() == 1 && !found.empty()) context.out.Document(found.front());
  } else if (paths.size() == 1 && !found.empty()) {
    Sheet(context.out, found.front());
  } else if (!found.empty()) {
    Table table = PropertyTable();
    for (const Json& property : found) AddRow(table, property);
    table.Print(context.out);
  }
  return exit;
}

Done Why(const Context& context, const std::string& path) {
  const auto why = context.reader.Why(path);
  if (!why) return tl::unexpected(why.error());
  if (context.out.json()) {
    context.out.Document(*why);
    return Exit::kOk;
  }
  context.out.Line(context.out.Paint(TextAt(*why, "path"), Style::kBold));
  for (const Json& line : At(*why, "lines")) {
    std::string topic = TextAt(line, "topic");
    topic.resize(std::max<std::size_t>(topic.size(), 10), ' ');
    context.out.Line("  " + context.out.Paint(topic, Style::kDim) + "  " +
                     Printable(TextAt(line, "text")));
  }
  return Exit::kOk;
}

}  // namespace edgetwin::cli
