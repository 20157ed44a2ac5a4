// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/invariants.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "tests/sim/plant.h"

namespace edgetwin::sim {
namespace {

using model::Side;
using model::Stream;

std::size_t At(Stream stream) {
  return static_cast<std::size_t>(stream);
}

// What an image lacked of an opening is of another branch, though of the same opening.
bool OfThisBranch(const model::Lineage& lineage, const model::Dot& dot) {
  return std::ranges::any_of(lineage, [&](const model::Incarnation& entry) {
    return entry.inc == dot.inc && (&entry == &lineage.back() || dot.seq <= entry.kept);
  });
}

std::uint64_t Hash(std::string_view text) {  // FNV-1a.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::uint64_t Name(const model::Dot& dot) {
  return dot.inc ^ (dot.seq * 0x9e3779b97f4a7c15);
}

// Of a value that was asked for: what stays the same when an int becomes a double.
std::string Key(const model::Value& value) {
  const auto number = value.AsNumber();
  return number ? std::to_string(*number) : model::ToJson(value);
}

bool Wants(const model::Interest& interest, const std::string& path) {
  return interest.patterns.empty() ||
         std::ranges::any_of(interest.patterns, [&path](const std::string& pattern) {
           return model::Matches(pattern, path);
         });
}

bool IsPoison(const model::Value& value) {
  return value.type() == model::ValueType::kString && value.text().starts_with(kPoisonText);
}

const char* const kNames[kInvariants + 1] = {
    "",
    "what was acknowledged survives",
    "nothing is applied twice",
    "watermarks never decrease",
    "watermarks and their rows are atomic",
    "a version names one value, a pid one property",
    "nothing is promised or numbered before it is durable",
    "a stale epoch changes nothing",
    "of two claimants one is fenced",
    "when faults stop, twins become equal",
    "healing costs no more than its bound",
    "every sample is in the cloud once, on the device, or in the ledger",
    "nothing exceeds its cap",
    "wall clocks change no result",
    "one poison entry delays others by log2 of its frame",
    "what the other side held of a store set back is restored or logged",
    "repeated and reordered frames change nothing",
    "an urgent frame waits for one lower frame at most",
    "what is local-only never leaves",
};

}  // namespace

std::string_view InvariantName(int number) {
  return kNames[number];
}

void Invariants::Violate(int number, std::string text) {
  ++violations_n_;
  if (violations_.size() < kViolationsKept) violations_.push_back({number, now_, std::move(text)});
}

void Invariants::CheckSecrets(const std::string& bytes, std::string_view device) {
  std::array<char, sizeof kSecretNumber> number{};
  std::memcpy(number.data(), &kSecretNumber, number.size());
  const bool text = bytes.find(kSecret) != std::string::npos;
  const bool value =
      bytes.find(std::string_view(number.data(), number.size())) != std::string::npos;
  Expect(18, !text && !value, [&] {
    return std::string(device) + ": a frame holds a local-only property's " +
           (text ? "path or text" : "number");
  });
}

void Invariants::CheckNamesOneValue(std::string_view device, const model::Dot& dot,
                                    std::uint64_t content, const std::string& what) {
  if (rotten_.contains(Name(dot))) return;
  auto named = named_.find(device);
  if (named == named_.end()) named = named_.emplace(device, decltype(named->second){}).first;
  const auto [known, first] = named->second.emplace(Name(dot), content);
  Expect(5, first || known->second == content, [&] {
    return std::string(device) + ": version " + std::to_string(dot.inc) + ":" +
           std::to_string(dot.seq) + " names another value before " + what;
  });
}

void Invariants::CheckWireRow(std::string_view device, const model::Twin& twin,
                              const sync::WireRow& wire, bool by_device) {
  const model::PropertyId id = wire.pid == 0 ? twin.Find(wire.path) : twin.FindPid(wire.pid);
  if (id == model::kNoProperty) return;
  model::Dot dot = wire.row.dot;
  // Without an incarnation it follows from the lineage of whose row it is.
  const bool own = by_device == (wire.side != Side::kDesired);
  if (dot.inc == 0 && !own) return;
  if (dot.inc == 0) dot.inc = model::IncOf(twin.lineage(), dot.seq);
  const model::ControlInfo& info = wire.row.info();
  std::string what = twin.def(id).path.text();
  what.append(" ").append(ToString(wire.side)).append(" ").append(model::ToJson(wire.row.value));
  what.append(" ").append(std::to_string(static_cast<int>(info.state)));
  what.append(" ").append(std::to_string(info.refers_to.seq)).append(" ").append(info.note);
  CheckNamesOneValue(device, dot, Hash(what), what);
}

// What the cloud has on flash may be used before the device has it, too, that has heard it from the
// cloud: after a crash it hears it again.
bool Invariants::CloudHolds(const DeviceView& from, model::Pid pid) const {
  const auto pids = pids_.find(std::string(from.device));
  if (pids == pids_.end()) return false;
  const auto held = pids->second.find({from.engine.status().epoch.token, pid});
  return held != pids->second.end() && held->second.chain == from.twin.chain(pid);
}

void Invariants::CheckPromises(const DeviceView& from, const sync::Delta& delta) {
  const auto text = [&](const std::string& what) { return std::string(from.device) + ": " + what; };
  Expect(6, delta.to <= from.ledger.seq_limit() || delta.to <= from.engine.status().seq_floor, [&] {
    return text("a frame claims " + std::to_string(delta.to) + ", above the durable limit " +
                std::to_string(from.ledger.seq_limit()));
  });
  poison_[std::string(from.device)].sent.emplace(delta.from, delta.to);
  for (const sync::WireRow& wire : delta.rows) {
    CheckWireRow(from.device, from.twin, wire, true);
    const model::PropertyId id =
        wire.pid == 0 ? from.twin.Find(wire.path) : from.twin.FindPid(wire.pid);
    if (id == model::kNoProperty) continue;
    const std::string& path = from.twin.def(id).path.text();
    Expect(6, wire.pid <= from.ledger.dictionary_n() || CloudHolds(from, wire.pid), [&] {
      return text("number " + std::to_string(wire.pid) + " left before it was durable");
    });
    Expect(18, !from.twin.def(id).local_only,
           [&] { return text("a row of " + path + ", which is local-only"); });
    if (IsPoison(wire.row.value)) poison_[std::string(from.device)].seqs.insert(wire.row.dot.seq);
    if (wire.side == Side::kReported) {
      Expect(6, wire.row.dot.seq <= from.ledger.seq_limit(), [&] {
        return text(path + ": seq " + std::to_string(wire.row.dot.seq) +
                    " is above the durable limit " + std::to_string(from.ledger.seq_limit()));
      });
      continue;
    }
    const model::Row* durable = from.ledger.Find(path, wire.side);
    Expect(6, durable != nullptr && durable->dot.seq >= wire.row.dot.seq, [&] {
      return text(path + " " + std::string(ToString(wire.side)) + " " +
                  std::to_string(wire.row.dot.seq) + " left before it was durable");
    });
  }
  if (delta.stream == Stream::kEvents) {
    auto& passed = passed_over_[std::string(from.device)];
    from.engine.events().ForEachAfter(delta.from, [&](const model::Event& event) {
      if (event.dot.seq > delta.to) return false;
      const bool secret = event.id != model::kNoProperty && from.twin.def(event.id).local_only;
      if (secret) passed.insert(Name(event.dot));
      return true;
    });
    NoteEventsLetGo(from, delta);
  }
  for (const sync::WireEvent& wire : delta.events) {
    const std::uint64_t seq = wire.event.dot.seq;
    Expect(6, from.ledger.HasEvent(seq) || seq <= from.ledger.events_floor(),
           [&] { return text("event " + std::to_string(seq) + " left before it was durable"); });
    model::Dot dot = wire.event.dot;
    if (dot.inc == 0) dot.inc = model::IncOf(from.twin.lineage(), dot.seq);
    const std::string what = wire.event.kind + " " + wire.event.text + " " +
                             model::ToJson(wire.event.value) + " " +
                             std::to_string(wire.event.command);
    CheckNamesOneValue(from.device, dot, Hash(what), what);
  }
}

// A cloud acknowledged them and lost them since, with its store; by then the device had let them go
// in memory. A crash that brings them back from flash comes too late: they were told to be no more.
void Invariants::NoteEventsLetGo(const DeviceView& from, const sync::Delta& delta) {
  const std::uint64_t acked = promises_[std::string(from.device)].events_ever;
  std::set<std::uint64_t> held;
  from.engine.events().ForEachAfter(delta.from, [&](const model::Event& event) {
    held.insert(event.dot.seq);
    return event.dot.seq <= delta.to;
  });
  const std::set<std::uint64_t>& durable = from.ledger.events();
  auto& passed = passed_over_[std::string(from.device)];
  for (auto at = durable.upper_bound(delta.from);
       at != durable.end() && *at <= std::min(acked, delta.to); ++at) {
    if (held.contains(*at)) continue;
    passed.insert(Name({model::IncOf(from.twin.lineage(), *at), *at}));
  }
}

void Invariants::CheckDictionary(const DeviceView& from, const sync::DictionaryFrame& frame) {
  if (frame.entries.empty()) return;
  const std::uint64_t last = frame.first + frame.entries.size() - 1;
  Expect(6, last <= from.ledger.dictionary_n(), [&] {
    return std::string(from.device) + ": number " + std::to_string(last) +
           " was given out before it was durable";
  });
}

// As the cloud takes it. Of two machines that claim to be one device, one may have given a number
// out that nobody heard: that is nobody's.
void Invariants::CheckNumbers(std::string_view device, const Ledger& before,
                              const model::Batch& batch) {
  const std::uint64_t token = batch.epoch ? batch.epoch->token : before.epoch().token;
  auto& pids = pids_[std::string(device)];
  for (const model::DictionaryEntry& entry : batch.dictionary) {
    const std::string what = entry.def.path.text() + " " + std::string(ToString(entry.def.type)) +
                             " " + entry.def.unit + " " +
                             std::to_string(entry.def.decimals.value_or(-1)) + " " +
                             std::to_string(entry.withdraws);
    const Number number{Hash(what), entry.chain};
    const auto [known, first] = pids.emplace(std::pair(token, entry.pid), number);
    Expect(5, first || known->second.content == number.content, [&] {
      return std::string(device) + ": number " + std::to_string(entry.pid) +
             " was another property before " + what;
    });
  }
}

// Nobody is told that something is held before it is.
void Invariants::CheckCloudAck(const CloudView& cloud, const sync::Ack& ack,
                               const DeviceView& live) {
  Promise& promise = promises_[std::string(cloud.device)];
  for (const Stream stream : {Stream::kControl, Stream::kState}) {
    const std::uint64_t to = ack.watermark[At(stream)];
    std::uint64_t& checked = promise.checked[At(stream)];
    live.twin.ForEachAfter(
        stream, checked, [&](model::PropertyId id, Side side, const model::Row& row) {
          if (row.dot.seq > to) return false;
          if (IsPoison(row.value)) return true;
          // Of an earlier opening: the newer value that was sent in its place may be what a crash
          // took. Digests find that.
          if (side == Side::kReported && row.dot.inc != live.twin.lineage().back().inc) {
            return true;
          }
          // Given back by a cloud that knew another branch of the store: its number is of that
          // branch, and a cloud restored once more may have given it to something else.
          if (!OfThisBranch(live.twin.lineage(), row.dot)) return true;
          const std::string& path = live.twin.def(id).path.text();
          const model::Row* held = cloud.ledger.Find(path, side);
          Expect(4, held != nullptr && held->dot.seq >= row.dot.seq, [&] {
            return std::string(cloud.device) + ": " + path + " " + std::string(ToString(side)) +
                   " " + std::to_string(row.dot.seq) + " is acknowledged with " +
                   std::to_string(to) + ", and the cloud's store has " +
                   (held == nullptr ? "nothing" : std::to_string(held->dot.seq));
          });
          promise.floor[{path, side}] = row.dot.seq;
          return true;
        });
    checked = std::max(checked, to);
  }
  const std::uint64_t events_to = ack.watermark[At(Stream::kEvents)];
  std::uint64_t& events_checked = promise.checked[At(Stream::kEvents)];
  live.engine.events().ForEachAfter(events_checked, [&](const model::Event& event) {
    if (event.dot.seq > events_to) return false;
    // Of a property that was local-only when its turn came.
    if (passed_over_[std::string(cloud.device)].contains(Name(event.dot))) return true;
    Expect(4, cloud.ledger.HasEvent(event.dot.seq), [&] {
      return std::string(cloud.device) + ": event " + std::to_string(event.dot.seq) +
             " is acknowledged and not in the cloud's store";
    });
    return true;
  });
  events_checked = std::max(events_checked, events_to);
  promise.events_ever = std::max(promise.events_ever, events_to);
}

void Invariants::CheckDeviceAck(const DeviceView& device, const sync::Ack& ack,
                                const CloudView& cloud) {
  Promise& promise = promises_[std::string(device.device)];
  const std::uint64_t to = ack.watermark[At(Stream::kControl)];
  // It speaks of the store that it knows; that one's seqs say nothing of what a backup gave since.
  const model::Lineage& known = device.ledger.peer_lineage();
  if (known.empty() || known.back().inc != cloud.twin.lineage().back().inc) return;
  const sync::EdgeStatus status = device.engine.status();
  const bool scoped = status.interest_held != status.interest.version;
  const auto wanted = [&](const std::string& path) { return Wants(status.interest, path); };
  cloud.twin.ForEachAfter(
      Stream::kControl, promise.desired_checked,
      [&](model::PropertyId id, Side side, const model::Row& row) {
        const std::string& path = cloud.twin.def(id).path.text();
        if (row.dot.seq > to) return false;
        if (scoped || !wanted(path)) return true;
        const model::PropertyId here = device.twin.Find(path);
        if (here != model::kNoProperty && device.twin.def(here).local_only) return true;
        // It was, and the cloud owes it anew once it knows the property again.
        const bool untold =
            cloud.twin.pid(id) == 0 && here != model::kNoProperty && device.twin.pid(here) != 0;
        if (untold) return true;
        const model::Row* held = device.ledger.Find(path, side);
        Expect(4, held != nullptr && held->dot.seq >= row.dot.seq, [&] {
          return std::string(device.device) + ": " + path + " " + std::string(ToString(side)) +
                 " " + std::to_string(row.dot.seq) + " is acknowledged with " + std::to_string(to) +
                 ", and the device's store has " +
                 (held == nullptr ? "nothing" : std::to_string(held->dot.seq));
        });
        return true;
      });
  cloud.session.commands().ForEachAfter(
      promise.desired_checked, [&](const model::Command& command) {
        if (command.dot.seq > to) return false;
        Expect(4, device.ledger.commands().contains(command.id), [&] {
          return std::string(device.device) + ": command " + std::to_string(command.dot.seq) +
                 " is acknowledged and not in the device's store";
        });
        return true;
      });
  promise.desired_checked = std::max(promise.desired_checked, to);
}

void Invariants::DeviceSends(const DeviceView& from, const sync::Frame& frame,
                             const std::string& bytes, const CloudView* cloud) {
  CheckSecrets(bytes, from.device);
  const auto ack = [&](const sync::Ack& cursors) {
    const std::uint64_t to = cursors.watermark[At(Stream::kControl)];
    Expect(6, to <= from.ledger.watermark(Stream::kControl), [&] {
      return std::string(from.device) + ": acknowledges " + std::to_string(to) + " and has " +
             std::to_string(from.ledger.watermark(Stream::kControl)) + " in its store";
    });
    if (cloud != nullptr) CheckDeviceAck(from, cursors, *cloud);
  };
  if (const auto* delta = std::get_if<sync::Delta>(&frame)) {
    CheckPromises(from, *delta);
    Poison& poison = poison_[std::string(from.device)];
    poison.entries_max = std::max(poison.entries_max, delta->rows.size() + delta->events.size());
    if (delta->ack) ack(*delta->ack);
  } else if (const auto* alone = std::get_if<sync::Ack>(&frame)) {
    ack(*alone);
  } else if (const auto* nack = std::get_if<sync::Nack>(&frame)) {
    ack(nack->cursors);
  } else if (const auto* dictionary = std::get_if<sync::DictionaryFrame>(&frame)) {
    CheckDictionary(from, *dictionary);
  } else if (const auto* hello = std::get_if<sync::Hello>(&frame); hello != nullptr) {
    if (!hello->first) return;
    sync::Delta first;
    first.stream = Stream::kState;
    first.from = hello->first->from;
    first.to = hello->first->to;
    first.rows = hello->first->rows;
    CheckPromises(from, first);
  } else if (const auto* ask = std::get_if<sync::HealAsk>(&frame)) {
    NoteHealAsk(from, *ask);
  }
}

void Invariants::CheckPromises(const CloudView& from, const sync::Delta& delta) {
  for (const sync::WireRow& wire : delta.rows) {
    CheckWireRow(from.device, from.twin, wire, false);
    const model::PropertyId id =
        wire.pid == 0 ? from.twin.Find(wire.path) : from.twin.FindPid(wire.pid);
    if (id == model::kNoProperty) continue;
    const std::string& path = from.twin.def(id).path.text();
    const model::Row* durable = from.ledger.Find(path, wire.side);
    Expect(6, durable != nullptr && durable->dot.seq >= wire.row.dot.seq, [&] {
      return std::string(from.device) + ": the cloud sends " + path + " " +
             std::to_string(wire.row.dot.seq) + " before it is durable";
    });
  }
  for (const model::Command& command : delta.commands) {
    Expect(6, from.ledger.commands().contains(command.id), [&] {
      return std::string(from.device) + ": the cloud sends command " +
             std::to_string(command.dot.seq) + " before it is durable";
    });
    const std::string what = command.name + " " + command.path + " " + model::ToJson(command.value);
    model::Dot dot = command.dot;
    if (dot.inc == 0) dot.inc = model::IncOf(from.twin.lineage(), dot.seq);
    CheckNamesOneValue(from.device, dot, Hash(what), what);
  }
}

void Invariants::CloudSends(const CloudView& from, const sync::Frame& frame,
                            const std::string& bytes, const DeviceView* live) {
  CheckSecrets(bytes, from.device);
  const auto ack = [&](const sync::Ack& cursors) {
    for (const Stream stream : {Stream::kControl, Stream::kState, Stream::kEvents}) {
      const std::uint64_t to = cursors.watermark[At(stream)];
      Expect(6, to <= from.ledger.watermark(stream), [&] {
        return std::string(from.device) + ": the cloud acknowledges " +
               std::string(ToString(stream)) + " " + std::to_string(to) + " and has " +
               std::to_string(from.ledger.watermark(stream)) + " in its store";
      });
    }
    if (live != nullptr) CheckCloudAck(from, cursors, *live);
  };
  if (const auto* delta = std::get_if<sync::Delta>(&frame)) {
    CheckPromises(from, *delta);
    if (delta->ack) ack(*delta->ack);
  } else if (const auto* alone = std::get_if<sync::Ack>(&frame)) {
    ack(*alone);
  } else if (const auto* nack = std::get_if<sync::Nack>(&frame)) {
    if (nack->cursors.session != 0) ack(nack->cursors);
  } else if (const auto* welcome = std::get_if<sync::Welcome>(&frame)) {
    CheckWelcome(from, *welcome);
  } else if (const auto* answer = std::get_if<sync::HealAnswer>(&frame)) {
    CheckHealAnswer(from, *answer);
  }
}

// What the device compares: its view is frozen with the first question, the cloud's when that
// arrives.
void Invariants::NoteHealAsk(const DeviceView& from, const sync::HealAsk& ask) {
  if (!ask.desired.empty() || ask.unnumbered) return;
  Heal& heal = heals_[std::string(from.device)];
  if (heal.attempt == ask.attempt) return;
  heal = {};
  heal.attempt = ask.attempt;
  from.twin.ForEachProperty([&](model::PropertyId id) {
    if (from.twin.pid(id) == 0) return;
    for (const Side side : model::kEverySide) {
      const model::Row* row = from.twin.row(id, side);
      if (row != nullptr) heal.asked.emplace(DeviceRow(from.twin.def(id).path.text(), side), *row);
    }
  });
}

void Invariants::CompareHealed(const CloudView& cloud, Heal& heal) {
  heal.compared = true;
  heal.rows = heal.asked.size();
  heal.different = heal.asked.size();
  const model::Interest interest = cloud.session.status().interest;
  cloud.twin.ForEachProperty([&](model::PropertyId id) {
    const std::string& path = cloud.twin.def(id).path.text();
    if (cloud.twin.pid(id) == 0) return;
    for (const Side side : model::kEverySide) {
      const model::Row* row = cloud.twin.row(id, side);
      if (row == nullptr) continue;
      if (side == Side::kDesired && !Wants(interest, path)) continue;
      const auto asked = heal.asked.find(DeviceRow(path, side));
      const bool both = asked != heal.asked.end();
      if (both && asked->second == *row) --heal.different;
      if (both) continue;
      ++heal.different;
      ++heal.rows;
    }
  });
}

void Invariants::CheckHealAnswer(const CloudView& from, const sync::HealAnswer& answer) {
  Heal& heal = heals_[std::string(from.device)];
  if (heal.attempt != answer.attempt || answer.cells.empty()) return;
  if (!heal.compared) CompareHealed(from, heal);
  if (!heal.answered.insert(answer.first_cell).second) return;
  heal.bytes += answer.cells.size();
  const std::uint64_t rows = std::max<std::uint64_t>(heal.rows, answer.rows_n);
  const std::uint64_t bound = std::min(20 * heal.different + 1'024, 8 * rows + 64);
  Expect(10, heal.bytes <= bound, [&] {
    return std::string(from.device) + ": healing " + std::to_string(heal.different) + " of " +
           std::to_string(rows) + " rows took " + std::to_string(heal.bytes) +
           " bytes, more than " + std::to_string(bound);
  });
}

void Invariants::DeviceHears(const DeviceView& at, const sync::Nack& nack) {
  if (nack.reason != sync::NackReason::kContent || !nack.refused) return;
  Poison& poison = poison_[std::string(at.device)];
  const std::pair span(nack.refused->from, nack.refused->to);
  // Of a frame that the start before this one has sent: it delays nothing.
  if (!poison.sent.contains(span)) return;
  poison.spans.insert(span);
  const std::size_t halvings = static_cast<std::size_t>(std::bit_width(poison.entries_max)) + 1;
  const std::size_t bound = std::max<std::size_t>(poison.seqs.size(), 1) * halvings;
  Expect(14, poison.spans.size() <= bound, [&] {
    return std::string(at.device) + ": " + std::to_string(poison.spans.size()) +
           " frames were refused for " + std::to_string(poison.seqs.size()) + " entries";
  });
}

void Invariants::DeviceCommits(const DeviceView& device, const model::Batch& batch) {
  if (batch.epoch) {
    const model::Epoch& held = device.ledger.epoch();
    Expect(7, *batch.epoch == held || batch.epoch->counter > held.counter, [&] {
      return std::string(device.device) + ": the device goes from epoch " +
             std::to_string(held.counter) + " to another one, " +
             std::to_string(batch.epoch->counter) + ", which is not above it";
    });
  }
  for (std::size_t i = 0; i < model::kStreams; ++i) {
    if (!batch.peer_watermark[i] || batch.peer_lineage) continue;
    const std::uint64_t before = device.ledger.watermark(static_cast<Stream>(i));
    Expect(3, *batch.peer_watermark[i] >= before, [&] {
      return std::string(device.device) + ": the device's watermark falls from " +
             std::to_string(before) + " to " + std::to_string(*batch.peer_watermark[i]);
    });
  }
}

void Invariants::CloudCommits(std::string_view device, const Ledger& before,
                              const model::Batch& batch, bool done) {
  // What is withdrawn is not to be kept any more; a commit that failed may have been done.
  Promise& promise = promises_[std::string(device)];
  for (const model::RowChange& change : batch.rows) {
    if (change.row.dot == model::Dot{}) {
      promise.floor.erase({before.path(model::Index(change.id)), change.side});
    }
  }
  if (done) CheckNumbers(device, before, batch);
  for (std::size_t i = 0; i < model::kStreams && done; ++i) {
    if (!batch.peer_watermark[i]) continue;
    const std::uint64_t held = before.watermark(static_cast<Stream>(i));
    Expect(3, *batch.peer_watermark[i] >= held, [&] {
      return std::string(device) + ": the cloud's watermark of " +
             std::string(ToString(static_cast<Stream>(i))) + " falls from " + std::to_string(held) +
             " to " + std::to_string(*batch.peer_watermark[i]);
    });
  }
}

void Invariants::StoreOpened(std::string_view whose, const std::string& difference) {
  Expect(1, difference.empty(), [&] {
    return std::string(whose) + ": its store is not what was committed: " + difference;
  });
}

void Invariants::DeviceStarted(std::string_view device) {
  poison_.erase(std::string(device));
}

void Invariants::CloudLoaded(std::string_view device, const Ledger& ledger) {
  loaded_at_[std::string(device)] = now_;
  const auto promise = promises_.find(device);
  if (promise == promises_.end()) return;
  for (const auto& [key, seq] : promise->second.floor) {
    const model::Row* row = ledger.Find(key.first, key.second);
    Expect(1, row != nullptr && row->dot.seq >= seq, [&] {
      return std::string(device) + ": " + key.first + " " + std::string(ToString(key.second)) +
             " was acknowledged at " + std::to_string(seq) + " and the cloud's store has " +
             (row == nullptr ? "nothing" : std::to_string(row->dot.seq));
    });
  }
}

void Invariants::CloudSetBack(std::string_view device, const Ledger& ledger) {
  const auto found = promises_.find(device);
  if (found == promises_.end()) return;
  Promise& promise = found->second;
  for (auto entry = promise.floor.begin(); entry != promise.floor.end();) {
    const model::Row* row = ledger.Find(entry->first.first, entry->first.second);
    if (row != nullptr) entry->second = std::min(entry->second, row->dot.seq);
    entry = row == nullptr ? promise.floor.erase(entry) : std::next(entry);
  }
  promise.checked = {};
  promise.desired_checked = 0;
}

void Invariants::DeviceSetBack(std::string_view device) {
  set_back_at_[std::string(device)] = now_;
  const auto found = promises_.find(device);
  if (found == promises_.end()) return;
  found->second.checked = {};
  found->second.desired_checked = 0;
}

void Invariants::DeviceForgets(std::string_view device, const DoubtfulLedger& doubtful,
                               const Ledger& cloud, std::optional<std::size_t> copy) {
  const Ledger& image = doubtful.sure();
  const std::uint64_t heard =
      std::max(cloud.watermark(Stream::kControl), cloud.watermark(Stream::kEvents));
  if (heard > image.Kept()) return;  // The cloud sees that it was set back.
  // So it does when the image is from before a setback that is over.
  const model::Setback& setback = cloud.setback();
  if (setback.floor == 0 && doubtful.NewestEpoch() < setback.epoch) return;
  const auto known = [&image](const std::string& key) {
    return std::ranges::any_of(image.commands(),
                               [&](const auto& entry) { return Key(entry.second.value) == key; });
  };
  const auto set_back = set_back_at_.find(device);
  const auto forgotten = [&](const Wish& wish) {
    if (copy) return wish.machine != *copy;
    return set_back != set_back_at_.end() && wish.at <= set_back->second;
  };
  for (auto& [key, wish] : wishes_[std::string(device)]) {
    if (wish.by_command && forgotten(wish) && !known(key)) wish.effects = 0;
  }
}

void Invariants::CloudForgets(std::string_view device, const Ledger& backup) {
  const auto wishes = wishes_.find(device);
  if (wishes == wishes_.end()) return;
  for (const auto& [id, command] : backup.commands()) {
    if (command.state != model::CommandState::kOpen) continue;
    const auto wish = wishes->second.find(Key(command.value));
    if (wish != wishes->second.end() && wish->second.by_command) wish->second.effects = 0;
  }
}

void Invariants::NumbersForgotten(std::string_view device,
                                  const std::function<bool(model::Pid, std::uint64_t)>& held) {
  const auto pids = pids_.find(device);
  if (pids == pids_.end()) return;
  std::erase_if(pids->second, [&held](const auto& entry) {
    return !held(entry.first.second, entry.second.chain);
  });
}

void Invariants::Rotted(const model::Batch& batch) {
  for (const model::RowChange& change : batch.rows) rotten_.insert(Name(change.row.dot));
}

void Invariants::Wanted(std::string_view device, const model::Value& value, bool by_command) {
  wishes_[std::string(device)][Key(value)] = {.by_command = by_command};
}

void Invariants::PlantWrites(const DeviceView& device, const std::string& path,
                             const model::Value& value, const model::Value& current) {
  const std::string key = Key(value);
  auto& wishes = wishes_[std::string(device.device)];
  const auto wish = wishes.find(key);
  const auto text = [&](const std::string& what) {
    return std::string(device.device) + ": " + path + " is written " + key + ", " + what;
  };
  if (!Expect(2, wish != wishes.end(), [&] { return text("which nobody wanted"); })) return;
  if (wish->second.by_command) {
    // A copy of the device ran it, and the cloud ended before it could hear of that: a later
    // opening of the same store is a device that has crashed, as far as anybody can tell.
    const auto loaded = loaded_at_.find(device.device);
    if (wish->second.effects == 1 && wish->second.machine != device.machine &&
        loaded != loaded_at_.end() && loaded->second > wish->second.at) {
      wish->second.effects = 0;
    }
    wish->second.machine = device.machine;
    wish->second.at = now_;
    ++wish->second.effects;
    Expect(2, wish->second.effects == 1, [&] {
      return text("the " + std::to_string(wish->second.effects) + "th effect of one command");
    });
    const bool durable = std::ranges::any_of(device.ledger.commands(), [&](const auto& entry) {
      return Key(entry.second.value) == key;
    });
    Expect(6, durable, [&] { return text("before the command is durable"); });
    return;
  }
  Expect(2, Key(current) != key, [&] { return text("which it shows already: not read back"); });
  Expect(6, device.ledger.WasDurable(value), [&] { return text("before that is durable"); });
}

void Invariants::PlantAsked(const DeviceView& device, const model::Value& value) {
  const auto wishes = wishes_.find(device.device);
  if (wishes == wishes_.end()) return;
  const std::string key = Key(value);
  const auto wish = wishes->second.find(key);
  if (wish == wishes->second.end() || !wish->second.by_command) return;
  const model::Epoch epoch = device.engine.status().epoch;
  for (const auto& [id, command] : device.ledger.commands()) {
    if (Key(command.value) != key) continue;
    Expect(7, command.epoch == epoch.counter, [&, &given = command] {
      return std::string(device.device) + ": a command of epoch " + std::to_string(given.epoch) +
             " is run in epoch " + std::to_string(epoch.counter);
    });
  }
}

std::uint32_t Invariants::LastHealing(std::string_view device) const {
  const auto heal = heals_.find(device);
  return heal == heals_.end() ? 0 : heal->second.attempt;
}

std::string Invariants::Unequal(const DeviceView& device, const CloudView& cloud) {
  const sync::EdgeStatus status = device.engine.status();
  const auto wanted = [&](const std::string& path) { return Wants(status.interest, path); };
  std::string found;
  const auto compare = [&](const std::string& path, Side side, const model::Row* here,
                           const model::Row* there) {
    if (!found.empty() || (here == nullptr && there == nullptr)) return;
    if ((here != nullptr && IsPoison(here->value)) || (there != nullptr && IsPoison(there->value)))
      return;
    if (here != nullptr && there != nullptr && *here == *there) return;
    found = path + " " + std::string(ToString(side)) + ": the device has " +
            (here == nullptr ? "nothing"
                             : std::to_string(here->dot.seq) + " " + model::ToJson(here->value)) +
            ", the cloud " +
            (there == nullptr ? "nothing"
                              : std::to_string(there->dot.seq) + " " + model::ToJson(there->value));
  };
  device.twin.ForEachProperty([&](model::PropertyId id) {
    const model::PropertyDef& def = device.twin.def(id);
    const std::string& path = def.path.text();
    if (def.local_only) return;
    const model::PropertyId there = cloud.twin.Find(path);
    for (const Side side : model::kEverySide) {
      if (side == Side::kDesired && !wanted(path)) continue;
      compare(path, side, device.twin.row(id, side),
              there == model::kNoProperty ? nullptr : cloud.twin.row(there, side));
    }
  });
  cloud.twin.ForEachProperty([&](model::PropertyId id) {
    const std::string& path = cloud.twin.def(id).path.text();
    const model::PropertyId here = device.twin.Find(path);
    if (here != model::kNoProperty) return;  // Compared above.
    for (const Side side : model::kEverySide) {
      if (side == Side::kDesired && !wanted(path)) continue;
      compare(path, side, nullptr, cloud.twin.row(id, side));
    }
  });
  if (!found.empty()) return found;
  for (const auto& [seq, command] : cloud.session.commands().all()) {
    if (command.state == model::CommandState::kOpen) {
      return "command " + std::to_string(seq) + " has no answer";
    }
  }
  if (status.orphans != 0) {
    return std::to_string(status.orphans) + " wishes that the cloud has lost are not taken back";
  }
  if (status.events_acked < status.events_head) {
    return "events up to " + std::to_string(status.events_head) + ", acknowledged to " +
           std::to_string(status.events_acked);
  }
  cloud.twin.ForEachProperty([&](model::PropertyId id) {
    const std::string& path = cloud.twin.def(id).path.text();
    const model::PropertyId here = device.twin.Find(path);
    const model::Row* desired = cloud.twin.row(id, Side::kDesired);
    if (!found.empty() || desired == nullptr || desired->value.none() || !wanted(path)) return;
    if (here != model::kNoProperty && device.twin.def(here).local_only) return;
    const model::Row* said = cloud.twin.row(id, Side::kStatus);
    const bool spoken = said != nullptr && said->info().refers_to == desired->dot;
    // It is the newest, so nothing can have superseded it.
    const bool superseded = spoken && said->info().state == model::DesiredState::kSuperseded;
    const bool ended = spoken && !superseded &&
                       (model::IsTerminal(said->info().state) ||
                        said->info().state == model::DesiredState::kMasked ||
                        said->info().state == model::DesiredState::kUnknownPath);
    if (ended) return;
    found = path + " desired " + std::to_string(desired->dot.seq) + " has no outcome";
    if (said == nullptr) return;
    found.append("; the last one is of ").append(std::to_string(said->info().refers_to.seq));
    found.append(", ").append(ToString(said->info().state));
  });
  return found;
}

void Invariants::CheckRestored(const DeviceView& device) {
  const auto promise = promises_.find(device.device);
  if (promise == promises_.end()) return;
  for (const auto& [key, seq] : promise->second.floor) {
    const model::PropertyId id = device.twin.Find(key.first);
    if (id != model::kNoProperty && device.twin.def(id).local_only) continue;
    const model::Row* row = id == model::kNoProperty ? nullptr : device.twin.row(id, key.second);
    Expect(15, row != nullptr && row->dot.seq >= seq, [&] {
      return std::string(device.device) + ": " + key.first + " " +
             std::string(ToString(key.second)) + " was acknowledged at " + std::to_string(seq) +
             " and the device has " + (row == nullptr ? "nothing" : std::to_string(row->dot.seq));
    });
  }
}

void Invariants::CheckLimits(std::string_view whose, const std::vector<LimitReport>& limits) {
  for (const LimitReport& limit : limits) {
    Expect(12, limit.max == 0 || limit.peak <= limit.max, [&] {
      return std::string(whose) + ": " + limit.name + " reached " + std::to_string(limit.peak) +
             ", above its limit " + std::to_string(limit.max);
    });
  }
}

}  // namespace edgetwin::sim
