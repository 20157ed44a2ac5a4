// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What replaces the store: first it says what goes.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/loss.h"
#include "twin/store/twin_store.h"

namespace edgetwin::cli {
namespace {

using store::TwinStore;

constexpr const char* kAfterRestore =
    "the cloud will see that this device was set back: it gives back what it holds of the lost "
    "values, and all overrides end";
constexpr const char* kAfterReset =
    "to the cloud it will be a new store of this device: its values are sent anew, and what the "
    "cloud wants comes again. If another store is active under this id, an operator decides";

constexpr const char* kOlderEpoch =
    "this backup is of an earlier epoch than the store: the cloud takes it for a clone and refuses "
    "it, until its operator admits this device";

struct Plan {
  std::string what;    // "restoring /tmp/a.db".
  Json facts;          // For programs.
  std::string damage;  // Why it can't be told what the store holds; empty.
  bool none = false;   // There is no store.
  std::optional<Loss> loss;
  std::string after;
  bool older_epoch = false;  // Than the store's: the cloud lets such a one in only when told to.
};

// What the store in place holds; kStore while somebody has it open.
Outcome<void> Weigh(const std::string& path, const model::Stored& other, Plan& plan) {
  const auto held = TwinStore::Inspect(path);
  if (held) {
    plan.loss = Compare(*held, other);
    plan.older_epoch = other.epoch.counter != 0 && other.epoch.counter < held->epoch.counter;
    return {};
  }
  const Error& error = held.error();
  switch (error.code) {
    case ErrorCode::kNotFound: plan.none = true; return {};
    // It may be replaced all the same: it is kept.
    case ErrorCode::kCorrupt:
    case ErrorCode::kInvalid:
    case ErrorCode::kUnsupported: plan.damage = error.text; return {};
    case ErrorCode::kConflict:
      return Fail(Exit::kStore, error.text + "; stop the daemon first: systemctl stop edgetwind");
    default: return Fail(ExitOf(error), error.text);
  }
}

void Say(const Output& out, const std::string& path, const Plan& plan) {
  if (plan.none) return out.Line("there is no store " + Printable(path) + ": nothing is lost");
  if (!plan.damage.empty()) {
    return out.Line("what the store in place holds can't be told: " + Printable(plan.damage));
  }
  const Loss& loss = *plan.loss;
  out.Line(Printable(path) + " stands at revision " + api::Grouped(loss.revision) + "; " +
           plan.what + " loses:");
  if (loss.kept > 0 && loss.revision > loss.kept) {
    out.Line("  " + api::Count(loss.revision - loss.kept, "revision", "revisions"));
  }
  const std::vector<std::string> lines = LossLines(loss);
  for (const std::string& line : lines) out.Line("  " + Printable(line));
  if (lines.empty()) out.Line("  nothing that the other one hasn't got");
  out.Line("what the cloud has got of it, beside the events, is known to the cloud alone");
  if (plan.older_epoch) out.Line(out.Paint(kOlderEpoch, Style::kWarn));
  out.Line(plan.after);
}

Json DocumentOf(const Plan& plan, bool done) {
  Json json = plan.facts;
  json["lost"] = plan.loss ? LossJson(*plan.loss) : Json(nullptr);
  json["store_damaged"] = plan.damage.empty() ? Json(nullptr) : Json(plan.damage);
  json["older_epoch"] = plan.older_epoch;
  json["done"] = done;
  json["after"] = plan.after;
  return json;
}

// Whether it may go on. A refusal has been told with all that would be lost.
Outcome<void> Agree(const Context& context, const std::string& path, const Plan& plan, bool yes) {
  if (context.out.json()) {
    if (yes) return {};
    context.out.Document(DocumentOf(plan, false));
    return Fail(Exit::kRefused, "nothing was changed; --yes does it");
  }
  Say(context.out, path, plan);
  if (yes) return {};
  if (!context.out.terminal() || isatty(STDIN_FILENO) == 0) {
    return Fail(Exit::kRefused, "nothing was changed; --yes does it");
  }
  context.out.Say("type yes to go on");
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return {};
  return Fail(Exit::kRefused, "nothing was changed");
}

tl::unexpected<Failure> NotDone(const Error& error) {
  std::string text = "nothing was changed: " + error.text;
  if (error.code == ErrorCode::kPermission) text += "; use sudo";
  if (error.code == ErrorCode::kConflict) {
    text += "; stop the daemon first: systemctl stop edgetwind";
  }
  return Fail(ExitOf(error), std::move(text));
}

// Stores that were put aside before, beside this one.
std::vector<std::string> KeptBeside(const std::string& path) {
  std::vector<std::string> kept;
  std::error_code error;
  const std::filesystem::path store(path);
  for (const auto& entry : std::filesystem::directory_iterator(store.parent_path(), error)) {
    const std::string name = entry.path().filename();
    const bool aside = name.starts_with(store.filename().string() + ".");
    if (aside && !name.ends_with("-wal") && !name.ends_with("-shm")) kept.push_back(entry.path());
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace

Done Restore(const Context& context, const std::string& file, bool yes) {
  const std::string path = context.places.store + "/twin.db";
  const auto backup = TwinStore::Inspect(file);
  if (!backup) {
    return Fail(ExitOf(backup.error()), "this can't be restored: " + backup.error().text);
  }
  const auto ours = TwinStore::IsOf(file, context.places.device);
  if (!ours) return Fail(ExitOf(ours.error()), ours.error().text);
  if (!*ours) {
    return Fail(Exit::kRefused, file + " is a backup of another device than '" +
                                    context.places.device +
                                    "': its past would be taken for this one's");
  }
  Plan plan;
  plan.what = "restoring revision " + api::Grouped(RevisionOf(*backup));
  plan.facts = {{"file", file}, {"store", path}, {"backup_revision", RevisionOf(*backup)}};
  plan.after = kAfterRestore;
  if (auto weighed = Weigh(path, *backup, plan); !weighed) return tl::unexpected(weighed.error());
  if (auto agreed = Agree(context, path, plan, yes); !agreed) return tl::unexpected(agreed.error());
  const auto aside = TwinStore::RestoreFrom(file, path);
  if (!aside) return NotDone(aside.error());
  if (context.out.json()) {
    Json json = DocumentOf(plan, true);
    json["kept_as"] = aside->empty() ? Json(nullptr) : Json(*aside);
    context.out.Document(json);
    return Exit::kOk;
  }
  context.out.Line("restored" + (aside->empty()
                                     ? std::string()
                                     : "; the old store is kept as " + Printable(*aside)));
  context.out.Line("start the daemon: systemctl start edgetwind");
  return Exit::kOk;
}

namespace {

// The name that it was moved to; none when it was removed, or isn't there.
Result<std::string> Clear(const std::string& path, bool purge) {
  if (access(path.c_str(), F_OK) != 0) return std::string();
  if (!purge) return TwinStore::PutAside(path);
  if (edgetwin::Status removed = TwinStore::Remove(path); !removed) return removed.error();
  return std::string();
}

}  // namespace

Done FactoryReset(const Context& context, bool purge, bool yes) {
  const std::string path = context.places.store + "/twin.db";
  Plan plan;
  plan.what = "the factory reset";
  plan.facts = {{"store", path}, {"purge", purge}};
  plan.after = kAfterReset;
  if (auto weighed = Weigh(path, {}, plan); !weighed) return tl::unexpected(weighed.error());
  if (plan.none) return Fail(Exit::kNotFound, "there is no store " + path + " to reset");
  if (auto agreed = Agree(context, path, plan, yes); !agreed) return tl::unexpected(agreed.error());
  // First: while there is a store, the reset can be repeated.
  const std::string history = context.places.history + "/history.db";
  const Result<std::string> history_aside =
      context.store_only ? Result<std::string>(std::string()) : Clear(history, purge);
  if (!history_aside) return NotDone(history_aside.error());
  const auto cleared = Clear(path, purge);
  if (!cleared) return NotDone(cleared.error());
  const std::string& aside = *cleared;
  const std::vector<std::string> kept = KeptBeside(path);
  if (context.out.json()) {
    Json json = DocumentOf(plan, true);
    json["kept_as"] = aside.empty() ? Json(nullptr) : Json(aside);
    json["history_kept_as"] = history_aside->empty() ? Json(nullptr) : Json(*history_aside);
    json["kept"] = kept;
    context.out.Document(json);
    return Exit::kOk;
  }
  context.out.Line(aside.empty() ? "the store is removed; the configuration stays"
                                 : "the old store is kept as " + Printable(aside) +
                                       "; the configuration stays");
  if (!history_aside->empty()) {
    context.out.Line("the old history is kept as " + Printable(*history_aside));
  }
  for (const std::string& other : kept) {
    if (other != aside) context.out.Line("kept from before: " + Printable(other));
  }
  return Exit::kOk;
}

}  // namespace edgetwin::cli
