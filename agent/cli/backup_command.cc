// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <utility>

#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/loss.h"
#include "agent/cli/new_file.h"
#include "twin/store/twin_store.h"

namespace edgetwin::cli {
namespace {

// Of the running daemon; of its store when that is down.
Outcome<std::string> Image(const Context& context) {
  const auto of_store = [&]() -> Outcome<std::string> {
    auto image = store::TwinStore::ImageOf(context.places.store + "/twin.db");
    if (!image) return Fail(ExitOf(image.error()), image.error().text);
    return *std::move(image);
  };
  if (context.store_only) return of_store();
  std::function<void()> waiting;
  if (context.out.terminal()) {
    waiting = [&context] { context.out.Say("waiting for the daemon …"); };
  }
  auto image = context.client.Download("POST", "/v1/backup", waiting);
  if (image || !image.error().down) return image;
  context.out.Say(image.error().text + "; copying its store");
  return of_store();
}

}  // namespace

Done Backup(const Context& context, const std::string& file, bool replace) {
  if (!replace && access(file.c_str(), F_OK) == 0) {
    return Fail(Exit::kRefused, file + " is there already; --force replaces it");
  }
  const auto image = Image(context);
  if (!image) return tl::unexpected(image.error());
  model::Stored stored;
  const auto check = [&stored](const std::string& made) -> edgetwin::Status {
    auto held = store::TwinStore::Inspect(made);
    if (!held) return held.error();
    stored = *std::move(held);
    return {};
  };
  if (const edgetwin::Status done = WriteNewFile(file, *image, replace, check); !done) {
    if (done.error().code == ErrorCode::kConflict) {
      return Fail(Exit::kRefused, done.error().text + "; --force replaces it");
    }
    return Fail(ExitOf(done.error()), "no backup was made: " + done.error().text);
  }
  const std::uint64_t revision = RevisionOf(stored);
  if (context.out.json()) {
    context.out.Document({{"file", file},
                          {"bytes", image->size()},
                          {"revision", revision},
                          {"properties", stored.properties.size()},
                          {"events", stored.events.size()},
                          {"history", false}});
    return Exit::kOk;
  }
  context.out.Line(Printable(file) + ": " + Bytes(image->size()) + ", revision " +
                   api::Grouped(revision) + ", " +
                   api::Count(stored.properties.size(), "property", "properties"));
  const std::string history = context.places.history + "/history.db";
  if (!context.store_only && access(history.c_str(), F_OK) == 0) {
    context.out.Line("the history is not in it: " + Printable(history) + " stays where it is");
  }
  return Exit::kOk;
}

}  // namespace edgetwin::cli
