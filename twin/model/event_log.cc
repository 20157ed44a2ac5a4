// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/event_log.h"

#include <algorithm>
#include <utility>

#include "twin/base/guard.h"
#include "twin/base/utf8.h"

namespace edgetwin::model {
namespace {

constexpr char kEventsLost[] = "events_lost";

}  // namespace

void EventLog::Load(std::vector<Event> events, std::uint64_t acked) {
  acked_ = acked;
  events_.assign(std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
  if (!events_.empty()) twin_.Reaches(Stream::kEvents, events_.back().dot.seq);
  FindTold();
  Trim();
}

void EventLog::Add(Event event) {
  event.kind = ToUtf8(event.kind, kEventKindBytesMax);
  event.text = ToUtf8(event.text, kEventTextBytesMax);
  event.dot = twin_.TakeDot(Stream::kEvents);
  pending_.events.push_back(event);
  events_.push_back(std::move(event));
  Trim();
}

void EventLog::Acked(std::uint64_t seq) {
  if (seq <= acked_) return;
  acked_ = seq;
  pending_.events_acked = seq;
  if (told_seq_ <= acked_) told_seq_ = told_n_ = 0;
  Trim();
}

// Only when it is committed: there is one a batch then, of all that was forgotten by it.
void EventLog::TellLost() {
  Event event;
  event.time = events_.empty() ? WallTime{} : events_.back().time;
  event.severity = Severity::kWarning;
  event.kind = kEventsLost;
  told_n_ = lost_ - lost_told_;
  // Where it fits only in the place of another one, that one is told of, too.
  const bool all_wait = events_.empty() || events_.front().dot.seq > acked_;
  if (all_wait && events_.size() >= limits_.waiting_max && On(Guard::kQueueCap)) ++told_n_;
  event.value = Value(static_cast<std::int64_t>(told_n_));
  event.text = std::to_string(told_n_) +
               " events were forgotten before the cloud could have them; events_waiting_max is " +
               std::to_string(limits_.waiting_max);
  lost_told_ += told_n_;
  Add(std::move(event));
  told_seq_ = events_.back().dot.seq;
}

void EventLog::FindTold() {
  told_seq_ = 0;
  for (const Event& event : events_) {
    if (event.kind == kEventsLost && event.dot.seq > acked_) told_seq_ = event.dot.seq;
  }
}

void EventLog::ForgetOldest() {
  pending_.events_floor = events_.front().dot.seq;
  if (events_.front().dot.seq > acked_) {
    waiting_.Hit();
    ++lost_;
    lost_to_ = events_.front().dot.seq;
    if (lost_to_ == told_seq_) {  // To be told anew.
      lost_told_ -= std::min(lost_told_, told_n_);
      told_seq_ = told_n_ = 0;
    }
  }
  events_.pop_front();
}

void EventLog::Trim() {
  const auto first_waiting =
      std::partition_point(events_.begin(), events_.end(),
                           [this](const Event& event) { return event.dot.seq <= acked_; });
  auto waiting = static_cast<std::uint64_t>(events_.end() - first_waiting);
  std::uint64_t kept = events_.size() - waiting;
  for (; kept > limits_.kept_max; --kept) ForgetOldest();
  while (waiting > limits_.waiting_max && On(Guard::kQueueCap)) {
    if (kept > 0) {
      --kept;
    } else {
      --waiting;
    }
    ForgetOldest();
  }
  waiting_.Use(waiting);
}

void EventLog::Renumber(std::uint64_t common, std::uint64_t floor) {
  std::deque<Event> before = std::exchange(events_, {});
  pending_.events.clear();
  for (Event& event : before) {
    if (event.dot.seq <= common) continue;
    if (event.dot.seq <= floor) event.dot = twin_.TakeDot(Stream::kEvents);
    pending_.events.push_back(event);
    events_.push_back(std::move(event));
  }
  std::sort(events_.begin(), events_.end(),
            [](const Event& a, const Event& b) { return a.dot.seq < b.dot.seq; });
  std::sort(pending_.events.begin(), pending_.events.end(),
            [](const Event& a, const Event& b) { return a.dot.seq < b.dot.seq; });
  pending_.events_floor = std::max(floor, pending_.events_floor.value_or(0));
  FindTold();
}

void EventLog::ForEachAfter(std::uint64_t after,
                            const std::function<bool(const Event&)>& visit) const {
  auto next = std::partition_point(events_.begin(), events_.end(),
                                   [after](const Event& event) { return event.dot.seq <= after; });
  for (; next != events_.end(); ++next) {
    if (!visit(*next)) return;
  }
}

Batch EventLog::TakePending() {
  if (lost_ > lost_told_ && told_seq_ == 0) TellLost();
  return std::exchange(pending_, Batch{});
}

}  // namespace edgetwin::model
