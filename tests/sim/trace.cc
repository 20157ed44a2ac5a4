// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/trace.h"

#include <array>
#include <string_view>
#include <utility>

namespace edgetwin::sim {
namespace {

using model::Stream;

std::string Number(std::uint64_t number) {
  return std::to_string(number);
}

std::string Marks(const sync::Watermarks& marks) {
  return "c" + Number(marks[0]) + " s" + Number(marks[1]) + " e" + Number(marks[2]);
}

std::string Inc(std::uint64_t inc) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (int i = 3; i >= 0; --i) text += kDigits[inc >> (4 * i) & 15];
  return text;
}

std::string Line(const model::Lineage& lineage) {
  std::string text;
  for (const model::Incarnation& entry : lineage) {
    text += (text.empty() ? "" : " ") + Inc(entry.inc) + ":" + Number(entry.first_seq) + "-" +
            Number(entry.limit) + "/" + Number(entry.kept);
  }
  return "[" + text + "]";
}

std::string Epoch(const model::Epoch& epoch) {
  return "epoch " + Number(epoch.counter) + "." + Inc(epoch.token);
}

struct Words {
  std::string operator()(const sync::Hello& f) const {
    const std::string first = !f.first
                                  ? ""
                                  : " with (" + Number(f.first->from) + ", " + Number(f.first->to) +
                                        "] " + Number(f.first->rows.size()) + " rows";
    return "Hello " + Line(f.lineage) + " head " + Marks(f.head) + " durable " + Marks(f.durable) +
           " holds c" + Number(f.watermark[0]) + " of " + Inc(f.cloud_inc) + " n" +
           Number(f.dictionary_n) + " scope " + Number(f.scope_version) + " " + Epoch(f.epoch) +
           first;
  }
  std::string operator()(const sync::Welcome& f) const {
    return "Welcome " + Line(f.lineage) + " holds " + Marks(f.watermark) + " n" +
           Number(f.dictionary_n) + " floor " + Number(f.seq_floor) + " common " + Marks(f.common) +
           " returned " + Number(f.returned.size()) + " ladder " + Number(f.ladder.size()) + " " +
           Epoch(f.epoch);
  }
  std::string operator()(const sync::Delta& f) const {
    std::string text = "Delta " + std::string(ToString(f.stream)) + " (" + Number(f.from) + ", " +
                       Number(f.to) + "] " + Number(f.rows.size()) + " rows";
    if (!f.events.empty()) text += " " + Number(f.events.size()) + " events";
    if (!f.commands.empty()) text += " " + Number(f.commands.size()) + " commands";
    if (f.scope_in)
      text += " scope-in " + Number(f.scope_in->version) + "." + Number(f.scope_in->part);
    if (f.ack) text += " ack " + Marks(f.ack->watermark);
    if (f.digest) text += " digest";
    return text;
  }
  std::string operator()(const sync::Ack& f) const {
    return "Ack " + Marks(f.watermark) + " n" + Number(f.dictionary_n) + " scope " +
           Number(f.scope_version) + "." + Number(f.scope_part);
  }
  std::string operator()(const sync::Nack& f) const {
    constexpr std::array<std::string_view, 9> kReasons = {
        "?",      "unknown session", "gap",    "unknown pid", "content",
        "fenced", "version",         "digest", "busy"};
    std::string text = "Nack " + std::string(kReasons[static_cast<std::size_t>(f.reason)]) + " " +
                       f.text + " " + Marks(f.cursors.watermark);
    if (f.refused) text += " (" + Number(f.refused->from) + ", " + Number(f.refused->to) + "]";
    return text;
  }
  std::string operator()(const sync::DictionaryFrame& f) const {
    return "Dictionary from " + Number(f.first) + " " + Number(f.entries.size()) + " entries";
  }
  std::string operator()(const sync::Bye&) const { return "Bye"; }
  std::string operator()(const sync::Probe&) const { return "Probe"; }
  std::string operator()(const sync::Offer& f) const {
    return "Offer " + Number(f.rows.size()) + " rows";
  }
  std::string operator()(const sync::HealAsk& f) const {
    return "HealAsk " + Number(f.attempt) + " at " + Marks(f.at) + " cells " +
           Number(f.first_cell) + "+" + Number(f.cells) + " desired " + Number(f.desired.size()) +
           (f.unnumbered ? " unnumbered after '" + f.unnumbered->after + "'" : std::string());
  }
  std::string operator()(const sync::HealAnswer& f) const {
    return "HealAnswer " + Number(f.attempt) + " " + Number(f.rows_n) + " rows, cells " +
           Number(f.first_cell) + " " + Number(f.cells.size()) + " bytes, rows " +
           Number(f.rows.size());
  }
  std::string operator()(const sync::InterestFrame& f) const {
    return "Interest " + Number(f.interest.version) + " " + Number(f.interest.patterns.size()) +
           " patterns";
  }
  std::string operator()(const sync::HistoryFrame& f) const {
    return "History " + Number(f.number) + " of " + Inc(f.inc) + " " + Number(f.blocks.size()) +
           " blocks, losses " + Number(f.losses.size());
  }
  std::string operator()(const sync::HistoryAck& f) const {
    return "HistoryAck " + Number(f.number) + " of " + Inc(f.held.inc) + " intervals " +
           Number(f.held.spans.size()) + " refused " + Number(f.refused.size()) + " at " +
           Inc(f.mark.inc) + ":" + Number(f.mark.commit);
  }
  std::string operator()(const sync::HistoryAsk& f) const {
    return "HistoryAsk after " + Inc(f.known.inc) + ":" + Number(f.known.commit) + " from " +
           Number(f.from);
  }
  std::string operator()(const sync::HistoryHeld& f) const {
    return "HistoryHeld " + std::string(f.continues ? "continues" : "openings ") +
           Number(f.held.size()) + " next " + Number(f.next);
  }
};

}  // namespace

std::string Describe(const sync::Frame& frame, std::size_t bytes) {
  return std::visit(Words(), frame) + " {" + Number(sync::SessionOf(frame)) + ", " + Number(bytes) +
         " bytes}";
}

std::string Describe(const model::Batch& batch) {
  std::string text;
  const auto count = [&text](std::string_view what, std::size_t n) {
    if (n != 0) text += (text.empty() ? "" : ", ") + Number(n) + " " + std::string(what);
  };
  count("properties", batch.properties.size());
  count("entries", batch.dictionary.size());
  count("rows", batch.rows.size());
  count("events", batch.events.size());
  count("commands", batch.commands.size());
  for (std::size_t i = 0; i < model::kStreams; ++i) {
    if (!batch.peer_watermark[i]) continue;
    text += " W " + std::string(ToString(static_cast<Stream>(i))) + " " +
            Number(*batch.peer_watermark[i]);
  }
  if (batch.seq_limit) text += " limit " + Number(*batch.seq_limit);
  if (batch.seq_floor) text += " floor " + Number(*batch.seq_floor);
  if (batch.epoch) text += " " + Epoch(*batch.epoch);
  if (batch.peer_lineage) text += " peer " + Line(*batch.peer_lineage);
  if (batch.dictionary_reset) text += " dictionary reset";
  if (batch.checkpoint) text += " checkpoint";
  return text;
}

}  // namespace edgetwin::sim
