// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/loss.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "agent/api/text.h"

namespace edgetwin::cli {
namespace {

using model::Dot;
using model::Side;
using model::Stored;

constexpr std::size_t kNamedMax = 5;

using Place = std::pair<std::string, Side>;

const model::PropertyDef& DefOf(const Stored& stored, model::PropertyId id) {
  return stored.properties[model::Index(id)].def;
}

std::map<Place, Dot> DotsOf(const Stored& stored) {
  std::map<Place, Dot> dots;
  for (const model::RowChange& change : stored.rows) {
    dots[{DefOf(stored, change.id).path.text(), change.side}] = change.row.dot;
  }
  return dots;
}

std::string Names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamedMax); ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  return names.size() > kNamedMax ? text + ", …" : text;
}

void CountRow(const Stored& store, const model::RowChange& change, bool same, Loss& loss) {
  const model::PropertyDef& def = DefOf(store, change.id);
  const bool any = !change.row.value.none();
  if (change.side == Side::kOverride && any) {
    // Also one that the other has: it ends, as the cloud's wish may be newer than it.
    loss.overrides.push_back(def.path.text() + " at " + api::Shown(change.row.value, def));
  }
  if (same) return;
  if (change.side == Side::kStatus) ++loss.decisions;
  if (change.side != Side::kReported) return;
  ++loss.values;
  if (def.local_only && any) loss.local_only.push_back(def.path.text());
}

}  // namespace

std::uint64_t RevisionOf(const Stored& stored) {
  std::uint64_t revision = std::max(stored.seq_floor, stored.events_acked);
  for (const model::RowChange& change : stored.rows) {
    if (change.side != Side::kDesired) revision = std::max(revision, change.row.dot.seq);
  }
  for (const model::Event& event : stored.events) revision = std::max(revision, event.dot.seq);
  return revision;
}

Loss Compare(const Stored& store, const Stored& other) {
  Loss loss;
  loss.revision = RevisionOf(store);
  loss.kept = RevisionOf(other);
  const std::map<Place, Dot> dots = DotsOf(other);
  for (const model::RowChange& change : store.rows) {
    const auto found = dots.find({DefOf(store, change.id).path.text(), change.side});
    CountRow(store, change, found != dots.end() && found->second == change.row.dot, loss);
  }
  std::sort(loss.local_only.begin(), loss.local_only.end());
  std::sort(loss.overrides.begin(), loss.overrides.end());
  std::set<std::pair<std::uint64_t, std::uint64_t>> events;
  for (const model::Event& event : other.events) events.insert({event.dot.inc, event.dot.seq});
  for (const model::Event& event : store.events) {
    if (events.contains({event.dot.inc, event.dot.seq})) continue;
    ++loss.events;
    if (event.dot.seq > store.events_acked) ++loss.events_unsent;
  }
  std::set<std::uint64_t> commands;
  for (const model::Command& command : other.commands) commands.insert(command.id);
  for (const model::Command& command : store.commands) {
    if (!commands.contains(command.id)) ++loss.commands;
  }
  loss.alarms = store.alarms.size();
  if (store.dictionary.size() > other.dictionary.size()) {
    loss.dictionary = store.dictionary.size() - other.dictionary.size();
  }
  return loss;
}

Json LossJson(const Loss& loss) {
  return {{"revision", loss.revision},
          {"kept_revision", loss.kept},
          {"values", loss.values},
          {"local_only", loss.local_only},
          {"overrides", loss.overrides},
          {"decisions", loss.decisions},
          {"events", loss.events},
          {"events_unsent", loss.events_unsent},
          {"commands", loss.commands},
          {"alarms", loss.alarms},
          {"dictionary_entries", loss.dictionary}};
}

std::vector<std::string> LossLines(const Loss& loss) {
  std::vector<std::string> lines;
  const auto add = [&lines](std::uint64_t number, const char* one, const char* many,
                            const std::string& more) {
    if (number > 0) lines.push_back(api::Count(number, one, many) + more);
  };
  add(loss.values, "reported value", "reported values",
      ", until the sensors are read again or the cloud gives them back");
  add(loss.local_only.size(), "of these is local-only", "of these are local-only",
      " and nowhere else: " + Names(loss.local_only));
  add(loss.overrides.size(), "override ends", "overrides end", ": " + Names(loss.overrides));
  add(loss.decisions, "answer", "answers",
      " to what the cloud wants: it is asked again, and looked at before it is written");
  add(loss.events, "event", "events",
      ", of which the cloud hasn't got " + api::Grouped(loss.events_unsent));
  add(loss.commands, "command", "commands",
      " of the cloud: none is run again, an open one is answered \"unknown\" or never");
  add(loss.dictionary, "dictionary entry", "dictionary entries", "");
  return lines;
}

}  // namespace edgetwin::cli
