// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/heal.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sync/codec/entries.h"
#include "sync/codec/rows.h"
#include "twin/base/check.h"

namespace edgetwin::sync {
namespace {

constexpr std::size_t kCellBytes = 10;
constexpr std::size_t kCellsBytesMax = kHealCellsMax * kCellBytes;

void EncodeDesired(const std::vector<WireRow>& rows, v1::Frame& frame) {
  EncodeRows(RowsOf::kCloud, rows, frame);
  EncodeLooseSeqs(rows, frame);
}

Result<std::vector<WireRow>> DecodeDesired(v1::Frame& frame) {
  Result<std::vector<WireRow>> rows = DecodeRows(RowsOf::kCloud, frame);
  if (!rows) return rows.error();
  if (const Status ok = DecodeLooseSeqs(frame, *rows); !ok) return ok.error();
  return rows;
}

bool HasNoSeq(const WireRow& row) {
  return row.row.dot.seq == 0;
}

}  // namespace

void EncodeOffer(const Offer& offer, v1::Frame& frame) {
  EDGETWIN_CHECK(std::ranges::none_of(offer.rows, HasNoSeq));
  frame.mutable_offer();
  EncodeDesired(offer.rows, frame);
}

Result<Offer> DecodeOffer(v1::Frame& frame) {
  Result<std::vector<WireRow>> rows = DecodeDesired(frame);
  if (!rows) return rows.error();
  if (std::ranges::any_of(*rows, HasNoSeq)) return Invalid("a row is offered without a seq");
  Offer offer;
  offer.rows = std::move(*rows);
  return offer;
}

void EncodeHealAsk(const HealAsk& ask, v1::HealAsk& out) {
  EDGETWIN_CHECK(ask.cells <= kHealCellsMax && ask.desired.size() <= kHealDesiredMax);
  EDGETWIN_CHECK(std::ranges::count(ask.desired, model::Pid{0}) == 0);
  out.set_attempt(ask.attempt);
  EncodeMarks(ask.at, out.mutable_at());
  out.set_dictionary_n(ask.dictionary_n);
  out.set_first_cell(ask.first_cell);
  out.set_cells(ask.cells);
  out.mutable_desired()->Add(ask.desired.begin(), ask.desired.end());
  if (!ask.unnumbered) return;
  EDGETWIN_CHECK(ask.desired.empty());
  out.mutable_unnumbered()->set_seq(ask.unnumbered->seq);
  out.mutable_unnumbered()->set_after(ask.unnumbered->after);
}

Result<HealAsk> DecodeHealAsk(const v1::HealAsk& in) {
  if (in.cells() > kHealCellsMax) {
    return Exhausted(std::to_string(in.cells()) + " cells are more than " +
                     std::to_string(kHealCellsMax));
  }
  const auto desired = static_cast<std::size_t>(in.desired_size());
  if (desired > kHealDesiredMax) {
    return Exhausted(std::to_string(desired) + " desired rows are more than " +
                     std::to_string(kHealDesiredMax));
  }
  if (std::ranges::count(in.desired(), model::Pid{0}) != 0) {
    return Invalid("the desired row of pid 0 is asked for");
  }
  HealAsk ask;
  if (in.has_unnumbered()) {
    if (desired != 0) return Invalid("rows with and without a pid are asked for at once");
    ask.unnumbered = {in.unnumbered().seq(), in.unnumbered().after()};
    const std::string& after = ask.unnumbered->after;
    if (const auto path = model::Path::Parse(after); !after.empty() && !path) return path.error();
  }
  ask.attempt = in.attempt();
  ask.at = DecodeMarks(in.at());
  ask.dictionary_n = in.dictionary_n();
  ask.first_cell = in.first_cell();
  ask.cells = in.cells();
  ask.desired.assign(in.desired().begin(), in.desired().end());
  return ask;
}

void EncodeHealAnswer(const HealAnswer& answer, v1::Frame& frame) {
  EDGETWIN_CHECK(answer.cells.size() <= kCellsBytesMax);
  v1::HealAnswer& out = *frame.mutable_heal_answer();
  out.set_attempt(answer.attempt);
  out.set_rows_n(answer.rows_n);
  out.set_first_cell(answer.first_cell);
  out.set_cells(answer.cells);
  out.set_unnumbered(answer.unnumbered);
  EncodeDesired(answer.rows, frame);
}

Result<HealAnswer> DecodeHealAnswer(v1::Frame& frame) {
  v1::HealAnswer& in = *frame.mutable_heal_answer();
  if (in.cells().size() > kCellsBytesMax) {
    return Exhausted(std::to_string(in.cells().size()) + " bytes of cells are more than " +
                     std::to_string(kCellsBytesMax));
  }
  Result<std::vector<WireRow>> rows = DecodeDesired(frame);
  if (!rows) return rows.error();
  HealAnswer answer;
  answer.attempt = in.attempt();
  answer.rows_n = in.rows_n();
  answer.first_cell = in.first_cell();
  answer.cells = std::move(*in.mutable_cells());
  answer.unnumbered = in.unnumbered();
  answer.rows = std::move(*rows);
  return answer;
}

}  // namespace edgetwin::sync
