// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/batch.h"

#include <iterator>
#include <unordered_map>
#include <utility>

namespace edgetwin::model {
namespace {

template <class T>
void Append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

template <class T>
void Replace(std::optional<T>& to, std::optional<T>&& from) {
  if (from) to = std::move(from);
}

// Keeps the last entry of each key, in the order of the entries kept; `inherit` hands down what the
// first one had.
template <class T, class KeyOf, class Inherit>
void KeepLast(std::vector<T>& entries, KeyOf key_of, Inherit inherit) {
  std::unordered_map<std::uint64_t, std::size_t> last;
  for (std::size_t i = 0; i < entries.size(); ++i) last[key_of(entries[i])] = i;
  if (last.size() == entries.size()) return;
  for (std::size_t i = entries.size(); i-- > 0;) {
    const std::size_t kept = last[key_of(entries[i])];
    if (kept != i) inherit(entries[i], entries[kept]);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (last[key_of(entries[i])] != i) continue;
    if (kept != i) entries[kept] = std::move(entries[i]);
    ++kept;
  }
  entries.resize(kept);
}

}  // namespace

bool Batch::empty() const {
  if (!properties.empty() || !dictionary.empty() || !rows.empty()) return false;
  if (seq_limit || state_durable || seq_floor || epoch || peer_lineage) return false;
  if (dictionary_reset || checkpoint) return false;
  for (const auto& watermark : peer_watermark) {
    if (watermark) return false;
  }
  if (!events.empty() || events_acked || events_floor) return false;
  if (!commands.empty() || !commands_gone.empty() || !alarms.empty()) return false;
  if (!holds.empty() || interest || scope_held) return false;
  return !superseded && !setback && !admission && !claim;
}

void Batch::Merge(Batch later) {
  if (later.dictionary_reset) {
    dictionary_reset = true;
    dictionary.clear();
  }
  Append(properties, std::move(later.properties));
  KeepLast(
      properties, [](const PropertyRecord& record) { return Index(record.id); },
      [](const PropertyRecord&, PropertyRecord&) {});
  Append(dictionary, std::move(later.dictionary));
  Append(rows, std::move(later.rows));
  KeepLast(
      rows,
      [](const RowChange& change) {
        return std::uint64_t{Index(change.id)} * kSides + static_cast<std::uint64_t>(change.side);
      },
      [](const RowChange& earlier, RowChange& kept) { kept.replaces = earlier.replaces; });
  Replace(seq_limit, std::move(later.seq_limit));
  Replace(state_durable, std::move(later.state_durable));
  Replace(seq_floor, std::move(later.seq_floor));
  for (std::size_t i = 0; i < kStreams; ++i) {
    Replace(peer_watermark[i], std::move(later.peer_watermark[i]));
  }
  Replace(epoch, std::move(later.epoch));
  Replace(peer_lineage, std::move(later.peer_lineage));
  Append(events, std::move(later.events));
  Replace(events_acked, std::move(later.events_acked));
  Replace(events_floor, std::move(later.events_floor));
  Append(commands, std::move(later.commands));
  KeepLast(
      commands, [](const Command& command) { return command.id; }, [](const Command&, Command&) {});
  Append(commands_gone, std::move(later.commands_gone));
  Append(alarms, std::move(later.alarms));
  KeepLast(
      alarms,
      [](const AlarmRecord& alarm) {
        return std::uint64_t{Index(alarm.id)} * 2 + static_cast<std::uint64_t>(alarm.kind);
      },
      [](const AlarmRecord&, AlarmRecord&) {});
  Append(holds, std::move(later.holds));
  KeepLast(
      holds, [](const HoldRecord& hold) { return Index(hold.id); },
      [](const HoldRecord&, HoldRecord&) {});
  Replace(interest, std::move(later.interest));
  Replace(scope_held, std::move(later.scope_held));
  Replace(superseded, std::move(later.superseded));
  Replace(setback, std::move(later.setback));
  Replace(admission, std::move(later.admission));
  Replace(claim, std::move(later.claim));
  checkpoint = checkpoint || later.checkpoint;
}

}  // namespace edgetwin::model
