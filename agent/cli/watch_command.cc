// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "twin/base/clock.h"

namespace edgetwin::cli {
namespace {

std::string Change(const Output& out, const std::string& side, const Json& property) {
  const WallTime now = SystemClock().UntrustedWall();
  const auto line = [&](const std::string& text) {
    std::string name = side;
    name.resize(std::max<std::size_t>(name.size(), 8), ' ');
    return api::LocalTime(now, now) + "  " + out.Paint(name, Style::kDim) + "  " +
           out.Paint(TextAt(property, "path"), Style::kBold) + "  " + text;
  };
  if (side == "reported") {
    const std::string quality = TextAt(property, "quality");
    return line(Printable(TextAt(property, "shown", "no value")) + "  " +
                out.Paint(quality, QualityStyle(quality)));
  }
  if (side == "override") {
    const Json& held = At(property, "override");
    if (!held.is_object()) return line("released");
    return line("held at " + Printable(TextAt(held, "shown")) + " by " +
                Printable(TextAt(held, "who", "?")) + " for " +
                api::Span(std::chrono::milliseconds(NumberAt(held, "left_ms"))));
  }
  const Json& desired = At(property, "desired");
  if (!desired.is_object()) return line("the cloud wants nothing any more");
  std::string text = "wanted " + Printable(TextAt(desired, "shown"));
  if (side == "status") {
    text += ": " + TextAt(desired, "state");
    const std::string reason = TextAt(desired, "reason");
    if (!reason.empty()) text += " (" + Printable(reason) + ")";
  }
  return line(text);
}

}  // namespace

Done Watch(const Context& context, const std::string& pattern, std::chrono::milliseconds at_most,
           std::uint64_t count_max) {
  const Output& out = context.out;
  std::uint64_t seen = 0;
  const auto show = [&](const std::string& side, const std::string& data) {
    if (side == "ready") {
      if (out.terminal() && !out.json()) out.Say("watching for changes; Ctrl-C ends it");
      return true;
    }
    const Json property = Json::parse(data, nullptr, false);
    if (!property.is_object()) return true;
    if (out.json()) {
      out.Document({{"side", side}, {"property", property}}, false);
    } else {
      out.Line(Change(out, side, property));
    }
    // Each change at once, also through a pipe; when nobody reads any more, that is the end.
    if (std::fflush(stdout) != 0) return false;
    return count_max == 0 || ++seen < count_max;
  };
  const std::string target =
      "/v1/watch" + (pattern.empty() ? "" : "?pattern=" + Escaped(pattern, true));
  auto watched = context.client.Stream(target, at_most, show);
  if (!watched) return tl::unexpected(std::move(watched.error()));
  return Exit::kOk;
}

}  // namespace edgetwin::cli
