// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's own events, in the order in which they happened: each is kept until the cloud has
// it, and the last ones longer, for looking back without a network. Pure.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "twin/base/limit.h"
#include "twin/model/batch.h"
#include "twin/model/twin.h"

namespace edgetwin::model {

struct EventLimits {
  // Waiting for the cloud. The oldest go first; how many went is an event of its own, in the same
  // batch: answers to commands may be among them, and the cloud must know even after a crash.
  std::uint64_t waiting_max = 2'000;
  std::uint64_t kept_max = 256;  // Those that the cloud has.
};

class EventLog {
 public:
  // `twin` numbers them and must outlive this.
  EventLog(Twin& twin, EventLimits limits)
      : twin_(twin), limits_(limits), waiting_(limits.waiting_max) {}

  // What the store held, ascending by seq. Once, after Twin::Load.
  void Load(std::vector<Event> events, std::uint64_t acked);

  // The event happens: it takes the next seq of the stream, and is in the next TakePending. Texts
  // are cut to their limits.
  void Add(Event event);
  // The cloud has everything up to `seq`.
  void Acked(std::uint64_t seq);
  // Whom the cloud never saw, of a branch of this store that is no more: those above `common`, up
  // to `floor`, get new numbers. Older ones are forgotten here; the cloud has them.
  void Renumber(std::uint64_t common, std::uint64_t floor);

  // Those with a seq above `after`, ascending, until `visit` returns false.
  void ForEachAfter(std::uint64_t after, const std::function<bool(const Event&)>& visit) const;
  const std::deque<Event>& all() const { return events_; }  // Ascending.
  std::uint64_t acked() const { return acked_; }
  std::uint64_t lost() const { return lost_; }  // Never seen by the cloud, since the start.
  // The seq of the last of those: above it, everything that the cloud lacks is here.
  std::uint64_t lost_to() const { return lost_to_; }

  Batch TakePending();
  bool pending() const { return !pending_.empty(); }
  LimitReport limit() const { return waiting_.Report("events_waiting"); }

 private:
  void Trim();
  void ForgetOldest();
  void TellLost();
  void FindTold();

  Twin& twin_;
  const EventLimits limits_;
  Limit waiting_;
  std::deque<Event> events_;
  std::uint64_t acked_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_to_ = 0;
  std::uint64_t lost_told_ = 0;  // By an event that the cloud has, or that waits.
  // The one that waits, and how many it tells of.
  std::uint64_t told_seq_ = 0;
  std::uint64_t told_n_ = 0;
  Batch pending_;
};

}  // namespace edgetwin::model
