// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>
#include <utility>

#include "agent/cli/commands.h"
#include "agent/cli/document.h"

namespace edgetwin::cli {
namespace {

std::string Held(const Json& answer) {
  return TextAt(answer, "path") + " is held at " + TextAt(answer, "shown") + " until " +
         TimeAt(answer, "until") + ", by " + TextAt(answer, "who", "?");
}

}  // namespace

Done Override(const Context& context, const std::string& path, const std::string& value,
              std::optional<std::chrono::milliseconds> duration) {
  Json body{{"text", value}};
  if (duration) body["for_ms"] = duration->count();
  // The kernel says root; the person behind it should be seen too.
  const char* person = std::getenv("SUDO_USER");
  if (person != nullptr && *person != '\0') body["who"] = person;
  std::function<void()> waiting;
  if (context.out.terminal()) {
    waiting = [&context] { context.out.Say("waiting for the device …"); };
  }
  const auto reply =
      context.client.Send("PUT", "/v1/override/" + Escaped(path), api::Dump(body), waiting);
  if (!reply) return tl::unexpected(reply.error());
  const Json& answer = reply->body;
  const bool applied = At(answer, "applied").is_boolean() && At(answer, "applied").get<bool>();
  const Exit exit = applied ? Exit::kOk : Exit::kProblems;
  if (context.out.json()) {
    context.out.Document(answer);
    return exit;
  }
  context.out.Line(Printable(Held(answer)));
  const std::string effective = TextAt(answer, "effective_shown");
  if (applied && effective != TextAt(answer, "shown")) {
    context.out.Line(Printable("the device took " + effective));
  }
  if (!applied) context.out.Say(TextAt(answer, "detail", "held, not applied yet"));
  return exit;
}

Done Release(const Context& context, const std::string& path) {
  const auto reply = context.client.Send("DELETE", "/v1/override/" + Escaped(path));
  if (!reply) return tl::unexpected(reply.error());
  if (context.out.json()) {
    context.out.Document(reply->body);
  } else {
    context.out.Line(Printable(path) + " is released: what the cloud wants counts again");
  }
  return Exit::kOk;
}

}  // namespace edgetwin::cli
