// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/backfill.h"

#include <algorithm>
#include <utility>

namespace edgetwin::sync {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr microseconds kPauseMax = seconds(60);  // P-8.14's.
constexpr seconds kReadPause{10};
// An urgent frame may have to wait for so long.
constexpr microseconds kFrameTakes = seconds(1);
// What a block and a loss take in a frame beside the block's bytes, at most; and the rest of it.
constexpr std::size_t kBlockOverheadBytes = 8;
constexpr std::size_t kLossBytes = 64;
constexpr std::size_t kFrameOverheadBytes = 128;
// Of a cloud that lacks something. What is told beyond that is sent again.
constexpr std::size_t kHeldMax = 100'000;
constexpr std::int64_t kHourUs = 3'600'000'000;

microseconds Pause(microseconds rto, int times) {
  return std::min<microseconds>(rto * (1 << std::min(times, 6)), std::max(rto, kPauseMax));
}

std::uint64_t Last(const StoredBlock& block) {
  return block.first + block.count - 1;
}

}  // namespace

void Backfill::Attach(HistoryMark known) {
  Detach();
  attached_ = true;
  known_ = known;
}

void Backfill::Detach() {
  attached_ = false;
  Drop();
}

// Nothing is under way any more, and nothing known of what the cloud holds.
void Backfill::Drop() {
  told_ = false;
  ask_from_ = 0;
  ask_at_.reset();
  asked_ = 0;
  held_.clear();
  held_n_ = 0;
  reading_ = idle_ = anew_ = delivered_ = false;
  mark_ = {};
  read_at_.reset();
  Finish();
}

void Backfill::Begin(bool takes) {
  Drop();
  takes_ = takes;
  number_ = 0;
  frame_bytes_ = kFrameBytesFirst;
}

void Backfill::End() {
  takes_ = false;
  Drop();
}

// The chunk is done with.
void Backfill::Finish() {
  chunk_.reset();
  sent_.clear();
  changed_ = true;
  sends_ = 0;
  send_at_.reset();
  lacks_above_.reset();
}

void Backfill::OnHeld(const HistoryHeld& held) {
  if (!active() || told_) return;
  if (held.continues) {
    told_ = true;
    mark_ = held.mark;
    return;
  }
  // Of another question: the first part, repeated.
  if (held.next != 0 && held.next <= ask_from_) return;
  if (!anew_) ++counts_.walks;
  anew_ = true;
  for (const HeldSpans& part : held.held) {
    for (const OrdinalSpan& span : part.spans) {
      if (held_n_ == kHeldMax) break;
      held_[{part.inc, span.pid}].Add(span.first, span.last);
      ++held_n_;
    }
  }
  ask_from_ = held.next;
  ask_at_.reset();
  asked_ = 0;
  if (held.next != 0) return;
  told_ = true;
  mark_ = held.mark;
}

model::Pid Backfill::PidOf(const std::string& path) const {
  const model::PropertyId id = twin_.Find(path);
  return id == model::kNoProperty ? 0 : twin_.pid(id);
}

bool Backfill::Held(const StoredBlock& block, model::Pid pid) const {
  const auto found = held_.find({chunk_->inc, pid});
  return found != held_.end() && found->second.Contains(block.first, Last(block));
}

std::vector<BackfillRead::HeldPath> Backfill::HeldPaths() const {
  std::map<model::Pid, OrdinalSet> merged;
  for (const auto& [key, held] : held_) {
    for (const auto& interval : held.intervals())
      merged[key.second].Add(interval.first, interval.last);
  }
  std::vector<BackfillRead::HeldPath> paths;
  for (const auto& [pid, held] : merged) {
    const model::PropertyId id = twin_.FindPid(pid);
    if (id != model::kNoProperty) paths.push_back({twin_.def(id).path.text(), held.intervals()});
  }
  return paths;
}

void Backfill::OnRead(std::uint64_t token, Result<BackfillChunk> chunk, MonoTime now) {
  if (!reading_ || token != token_) return;
  reading_ = false;
  if (!chunk) {
    trouble_ = chunk.error().text;
    read_at_ = now + kReadPause;
    return;
  }
  trouble_.clear();
  anew_ = delivered_ = false;
  // Only what flash has taken in, too: a mark without it would claim what may not be so.
  if (mark_.inc != 0) known_ = mark_;
  mark_ = {};
  if (chunk->blocks.empty() && chunk->losses.empty()) {
    idle_ = true;
    held_.clear();  // Everything was looked at.
    held_n_ = 0;
    return;
  }
  chunk_ = std::move(*chunk);
  changed_ = true;
  PassOver();
}

// What isn't to be sent, or not any more, counts as delivered: it is not to be looked at again.
void Backfill::PassOver() {
  std::vector<bool> done(chunk_->blocks.size(), false);
  for (std::size_t i = 0; i < done.size(); ++i) {
    const StoredBlock& block = chunk_->blocks[i];
    const model::Pid pid = PidOf(block.path);
    if (pid == 0 || block.bytes.size() > kHistoryBlockBytesMax) {
      done[i] = true;
      ++counts_.blocks_withheld;
    } else if (Held(block, pid)) {
      done[i] = true;
      ++counts_.blocks_held;
    }
  }
  std::erase_if(chunk_->losses, [this](const StoredLoss& loss) { return PidOf(loss.path) == 0; });
  Remove(std::move(done));
}

void Backfill::Remove(std::vector<bool> done) {
  std::size_t place = 0;
  const std::size_t before = chunk_->blocks.size();
  std::erase_if(chunk_->blocks, [&](const StoredBlock&) { return done[place++]; });
  if (chunk_->blocks.size() != before) {
    changed_ = true;
    sent_.clear();  // Its places are others now.
  }
  if (!chunk_->blocks.empty() || !chunk_->losses.empty()) return;
  Finish();
  delivered_ = true;
}

void Backfill::OnAck(const HistoryAck& ack, MonoTime now) {
  if (!active() || !chunk_) return;
  std::map<model::Pid, OrdinalSet> held;
  if (ack.held.inc == chunk_->inc) {
    for (const OrdinalSpan& span : ack.held.spans) held[span.pid].Add(span.first, span.last);
  }
  const bool this_one = ack.number == number_ && !changed_;
  std::vector<bool> done(chunk_->blocks.size(), false);
  bool any = false;
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    const StoredBlock& block = chunk_->blocks[sent_[i].place];
    const auto found = held.find(sent_[i].pid);
    const bool taken = found != held.end() && found->second.Contains(block.first, Last(block));
    const bool refused =
        this_one && std::ranges::binary_search(ack.refused, static_cast<std::uint32_t>(i));
    if (!taken && !refused) continue;
    done[sent_[i].place] = any = true;
    if (refused) {
      ++counts_.blocks_refused;
      continue;
    }
    ++counts_.blocks;
    counts_.samples += block.count;
  }
  if (this_one) {
    counts_.losses += chunk_->losses.size();
    any = any || !chunk_->losses.empty();
    chunk_->losses.clear();
  }
  if (!any) return;
  mark_ = ack.mark;
  NoteSpeed(now);
  Remove(std::move(done));
}

// One that was sent twice can't tell which copy was answered.
void Backfill::NoteSpeed(MonoTime now) {
  if (sends_ != 1) return;
  const microseconds took = now - sent_at_;
  if (took < kFrameTakes / 2) frame_bytes_ *= 2;
  if (took > kFrameTakes) frame_bytes_ = std::max(frame_bytes_ / 2, kFrameBytesMin);
}

void Backfill::Ask(const Turn& turn, MonoTime now, Output& out) {
  if (!turn.room || (ask_at_ && now < *ask_at_)) return;
  out.frame = HistoryAsk{turn.session, known_, ask_from_};
  ask_at_ = now + Pause(turn.rto, asked_++);
}

void Backfill::Read(const Turn& turn, MonoTime now, Output& out) {
  if (reading_ || (idle_ && !delivered_ && mark_.inc == 0) || (read_at_ && now < *read_at_)) return;
  read_at_.reset();
  reading_ = true;
  BackfillRead read;
  read.token = ++token_;
  if (anew_) read.anew = HeldPaths();
  read.delivered = delivered_;
  read.mark = mark_;
  read.order = options_.order;
  frame_bytes_ = std::min(frame_bytes_, turn.frame_bytes_max);
  read.bytes_max = frame_bytes_ - std::min(frame_bytes_ / 4, kFrameOverheadBytes);
  out.read = read;
}

// Its definition is on its way: there is nothing to do before an ack of that.
bool Backfill::Lacks(model::Pid pid, const Turn& turn) {
  if (pid <= turn.pid_max) return false;
  lacks_above_ = turn.pid_max;
  return true;
}

void Backfill::Send(const Turn& turn, MonoTime now, Output& out) {
  if (lacks_above_ && turn.pid_max <= *lacks_above_) return;
  lacks_above_.reset();
  if (!turn.room || (send_at_ && now < *send_at_) || !Affordable(now)) return;
  // Somebody may have made a property local-only since it was read.
  PassOver();
  if (!chunk_) return;
  HistoryFrame frame;
  frame.session = turn.session;
  frame.inc = chunk_->blocks.empty() ? 0 : chunk_->inc;
  std::size_t bytes = kFrameOverheadBytes;
  std::vector<Sent> sent;
  for (std::size_t i = 0; i < chunk_->blocks.size(); ++i) {
    const StoredBlock& block = chunk_->blocks[i];
    const model::Pid pid = PidOf(block.path);
    if (Lacks(pid, turn)) return;
    bytes += block.bytes.size() + kBlockOverheadBytes;
    frame.blocks.push_back({pid, block.bytes});
    sent.push_back({pid, i});
  }
  for (const StoredLoss& loss : chunk_->losses) {
    const model::Pid pid = PidOf(loss.path);
    if (Lacks(pid, turn)) return;
    bytes += kLossBytes;
    frame.losses.push_back({pid, loss.record});
  }
  if (changed_) ++number_;
  frame.number = number_;
  changed_ = false;
  sent_ = std::move(sent);
  Pay(bytes);
  ++counts_.frames;
  if (sends_ > 0) {
    ++counts_.frames_resent;
    // Perhaps it was only too much for the link.
    frame_bytes_ = std::max(frame_bytes_ / 2, kFrameBytesMin);
  }
  sent_at_ = now;
  counts_.bytes += bytes;
  send_at_ = now + Pause(turn.rto, sends_++);
  out.frame = std::move(frame);
}

// The budget of a minute may be spent at once.
bool Backfill::Affordable(MonoTime now) {
  const auto hour = static_cast<std::int64_t>(options_.bytes_per_hour_max);
  if (hour == 0) return true;
  const std::int64_t most = hour / 60;
  if (!credit_at_) {
    credit_at_ = now;
    credit_bytes_ = most;
  }
  const auto passed = std::min<std::int64_t>((now - *credit_at_).count(), kHourUs);
  const auto earned =
      static_cast<std::int64_t>(static_cast<double>(hour) * static_cast<double>(passed) / kHourUs);
  if (earned > 0) {
    credit_bytes_ = std::min(most, credit_bytes_ + earned);
    credit_at_ = now;
  }
  return credit_bytes_ >= 0;
}

void Backfill::Pay(std::uint64_t bytes) {
  if (options_.bytes_per_hour_max != 0) credit_bytes_ -= static_cast<std::int64_t>(bytes);
}

void Backfill::Step(const Turn& turn, MonoTime now, Output& out) {
  if (!active()) return;
  if (!told_) return Ask(turn, now, out);
  if (chunk_) Send(turn, now, out);
  if (!chunk_) Read(turn, now, out);
}

std::optional<MonoTime> Backfill::NextStep(bool room) const {
  if (!active()) return {};
  const MonoTime at_once{};
  if (!told_) return room ? std::optional(ask_at_.value_or(at_once)) : std::nullopt;
  if (!chunk_) {
    if (reading_ || (idle_ && !delivered_ && mark_.inc == 0)) return {};
    return read_at_.value_or(at_once);
  }
  if (!room || lacks_above_) return {};
  MonoTime next = send_at_.value_or(at_once);
  if (options_.bytes_per_hour_max != 0 && credit_at_ && credit_bytes_ < 0) {
    const double us = static_cast<double>(-credit_bytes_) * static_cast<double>(kHourUs) /
                      static_cast<double>(options_.bytes_per_hour_max);
    next = std::max(next, *credit_at_ + microseconds(static_cast<std::int64_t>(us) + 1));
  }
  return next;
}

BackfillStatus Backfill::status() const {
  BackfillStatus status = counts_;
  status.takes = active();
  status.caught_up = active() && told_ && idle_ && !chunk_;
  status.trouble = trouble_;
  return status;
}

}  // namespace edgetwin::sync
