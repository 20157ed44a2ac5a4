// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/cloud_backfill.h"

#include <algorithm>
#include <map>
#include <utility>

namespace edgetwin::sync {
namespace {

// In one answer to an ask; each has an interval or two for each opening of the device's history.
constexpr std::size_t kAskedMax = 2'000;

}  // namespace

void CloudBackfill::End() {
  put_.reset();
  look_.reset();
  requests_.clear();
  frames_.clear();
}

Status CloudBackfill::OnHistory(HistoryFrame frame) {
  const auto unknown = [this](const auto& entry) { return entry.pid > twin_.dictionary_size(); };
  if (std::ranges::any_of(frame.blocks, unknown) || std::ranges::any_of(frame.losses, unknown)) {
    return NotFound("an entry of the dictionary is missing");
  }
  ++counts_.frames;
  if (put_) {  // One is under way at a time: it is the same, or comes again.
    ++counts_.repeated;
    return {};
  }
  Put put;
  put.token = ++token_;
  put.number = frame.number;
  put.inc = frame.inc;
  HistoryPut work;
  work.inc = frame.inc;
  for (WireBlock& block : frame.blocks) {
    const model::PropertyId id = twin_.FindPid(block.pid);
    put.pids.emplace_back();
    if (id == model::kNoProperty) continue;  // Withdrawn since the frame was made.
    put.pids.back() = block.pid;
    counts_.bytes += block.bytes.size();
    work.blocks.push_back({twin_.def(id).path.text(), std::move(block.bytes)});
  }
  for (const WireLoss& loss : frame.losses) {
    const model::PropertyId id = twin_.FindPid(loss.pid);
    if (id != model::kNoProperty) work.losses.push_back({twin_.def(id).path.text(), loss.record});
  }
  put.losses = work.losses.size();
  requests_.push_back({put.token, std::move(work)});
  put_ = std::move(put);
  return {};
}

void CloudBackfill::PutDone(std::uint64_t token, const Result<HistoryPutDone>& result) {
  if (!put_ || put_->token != token) return;
  const Put put = *std::exchange(put_, {});
  if (!result) {
    counts_.trouble = result.error().text;
    return;
  }
  counts_.trouble.clear();
  HistoryAck ack;
  ack.number = put.number;
  ack.held.inc = put.inc;
  ack.mark = result->mark;
  std::map<model::Pid, OrdinalSet> spans;
  std::size_t asked = 0;
  for (std::size_t place = 0; place < put.pids.size(); ++place) {
    const auto held = put.pids[place] ? result->held.at(asked++) : std::nullopt;
    if (!held) {
      ++counts_.blocks_refused;
      ack.refused.push_back(static_cast<std::uint32_t>(place));
      continue;
    }
    ++counts_.blocks;
    spans[*put.pids[place]].Add(held->first, held->last);
  }
  for (const auto& [pid, set] : spans) {
    for (const auto& interval : set.intervals()) {
      ack.held.spans.push_back({pid, interval.first, interval.last});
    }
  }
  counts_.losses += put.losses;
  frames_.push_back(std::move(ack));
}

void CloudBackfill::OnAsk(const HistoryAsk& ask) {
  if (look_) return;
  ++counts_.asks;
  Look look;
  look.token = ++token_;
  HistoryLook work;
  work.known = ask.known;
  model::Pid pid = std::max<model::Pid>(ask.from, 1);
  for (; pid <= twin_.dictionary_size() && look.pids.size() < kAskedMax; ++pid) {
    const model::PropertyId id = twin_.FindPid(pid);
    // An older number of the property would say the same again.
    if (id == model::kNoProperty || twin_.pid(id) != pid) continue;
    look.pids.push_back(pid);
    work.paths.push_back(twin_.def(id).path.text());
  }
  look.next = pid <= twin_.dictionary_size() ? pid : 0;
  requests_.push_back({look.token, std::move(work)});
  look_ = std::move(look);
}

void CloudBackfill::Looked(std::uint64_t token, const Result<HistoryLooked>& result) {
  if (!look_ || look_->token != token) return;
  const Look look = *std::exchange(look_, {});
  if (!result) {
    counts_.trouble = result.error().text;
    return;
  }
  counts_.trouble.clear();
  HistoryHeld held;
  held.mark = result->mark;
  held.continues = result->continues;
  if (held.continues) {
    frames_.push_back(std::move(held));
    return;
  }
  held.next = look.next;
  std::size_t spans = 0;
  for (const HistoryLooked::Held& one : result->held) {
    // What is left out is sent again, and is found to be there.
    if (spans++ == kHistorySpansMax) break;
    auto part = std::ranges::find(held.held, one.inc, &HeldSpans::inc);
    if (part == held.held.end()) part = held.held.insert(part, {one.inc, {}});
    part->spans.push_back({look.pids.at(one.place), one.interval.first, one.interval.last});
  }
  frames_.push_back(std::move(held));
}

std::vector<Frame> CloudBackfill::TakeFrames(std::uint32_t session) {
  std::vector<Frame> frames = std::exchange(frames_, {});
  for (Frame& frame : frames) {
    if (auto* ack = std::get_if<HistoryAck>(&frame)) ack->session = session;
    if (auto* held = std::get_if<HistoryHeld>(&frame)) held->session = session;
  }
  return frames;
}

}  // namespace edgetwin::sync
