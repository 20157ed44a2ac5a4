// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

namespace edgetwin::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// As sync/link/mqtt_link.h.
constexpr microseconds kBackoffMin = milliseconds(500);
constexpr microseconds kBackoffMax = milliseconds(60'000);
constexpr int kBackoffDoublings = 7;
constexpr microseconds kConnectTakes = milliseconds(30);

}  // namespace

Network::Network(Schedule& schedule, Random random) : schedule_(schedule), random_(random) {}

Network::Port Network::Add(std::string device, Events events) {
  Connection port;
  port.device = std::move(device);
  port.events = std::move(events);
  ports_.push_back(std::move(port));
  return ports_.size() - 1;
}

void Network::Open(Port port) {
  ports_[port].open = true;
  ports_[port].failures = 0;
  Attempt(port);
}

void Network::Close(Port port, bool goodbye) {
  Connection& closed = ports_[port];
  closed.open = false;
  ++closed.attempt;
  if (closed.connection == 0) return;
  closed.connection = 0;
  closed.queue.clear();
  if (!goodbye && !Silent(closed)) PublishWill(closed);
}

void Network::SetQuality(Port port, const LinkQuality& quality) {
  ports_[port].quality = quality;
  ports_[port].own_quality = true;
}

const LinkQuality& Network::QualityOf(const Connection& port) const {
  return port.own_quality ? port.quality : quality_;
}

void Network::Attempt(Port port) {
  Connection& opening = ports_[port];
  const std::uint64_t attempt = ++opening.attempt;
  const microseconds bound =
      std::min(kBackoffMax, kBackoffMin * (1 << std::min(opening.failures, kBackoffDoublings)));
  // The first attempt of an opening is made at once.
  const microseconds wait =
      opening.failures == 0
          ? microseconds(0)
          : microseconds(random_.Below(static_cast<std::uint64_t>(bound.count())));
  ++opening.failures;
  schedule_.After(wait + kConnectTakes, [this, port, attempt] {
    Connection& trying = ports_[port];
    if (trying.attempt != attempt) return;
    if (broker_up_ > schedule_.now() || Silent(trying)) return Attempt(port);
    trying.connection = ++last_connection_;
    trying.up_since = schedule_.now();
    trying.up_hop = {};
    trying.down_hop = {};
    trying.will = trying.events.will ? trying.events.will() : std::string();
    ++counts_.connects;
    trying.events.up();
  });
}

// The connection is gone, and its owner hears of it.
void Network::Lost(Port port, bool will) {
  Connection& lost = ports_[port];
  if (lost.connection == 0) return;
  lost.connection = 0;
  lost.queue.clear();
  if (will) PublishWill(lost);
  lost.events.down();
  if (ports_[port].open) Attempt(port);
}

void Network::PublishWill(const Connection& port) {
  if (port.will.empty()) return;
  ++counts_.wills;
  AtBroker(port.device, port.device.empty(), port.will);
}

void Network::Cut(Port port) {
  if (ports_[port].connection == 0) return;
  ++counts_.cuts;
  Lost(port, true);
}

void Network::Partition(Port port, microseconds length, microseconds notice) {
  Connection& cut = ports_[port];
  ++counts_.partitions;
  cut.silent_until = std::max(cut.silent_until, schedule_.now() + length);
  if (cut.connection == 0 || notice >= length) return;
  schedule_.After(notice, [this, port, connection = cut.connection] {
    if (ports_[port].connection == connection) Lost(port, true);
  });
}

void Network::CrashBroker(microseconds length) {
  ++counts_.broker_crashes;
  broker_up_ = std::max(broker_up_, schedule_.now() + length);
  for (Port port = 0; port < ports_.size(); ++port) Lost(port, false);
}

void Network::Calm(const LinkQuality& quality) {
  quality_ = quality;
  broker_up_ = schedule_.now();
  for (Port port = 0; port < ports_.size(); ++port) {
    Connection& calmed = ports_[port];
    calmed.own_quality = false;
    calmed.silent_until = schedule_.now();
    if (!calmed.open || calmed.connection != 0) continue;
    calmed.failures = 0;
    Attempt(port);
  }
}

void Network::Pass(Hop& hop, const LinkQuality& quality, std::size_t bytes, MonoTime start,
                   const std::function<void()>& arrive) {
  MonoTime gone = start;
  if (quality.bytes_per_s != 0) {
    gone = std::max(hop.free_at, start) + microseconds(bytes * 1'000'000 / quality.bytes_per_s);
    hop.free_at = gone;
  }
  if (random_.Chance(quality.loss_ppm)) {
    ++counts_.lost;
    return;
  }
  const auto some = [this](microseconds max) {
    return microseconds(random_.Below(static_cast<std::uint64_t>(max.count()) + 1));
  };
  const MonoTime arrival = gone + quality.delay + some(quality.jitter);
  if (random_.Chance(quality.overtake_ppm)) {
    ++counts_.overtaken;
    schedule_.At(arrival + some(quality.overtake_max), arrive);
  } else {
    hop.arrived = std::max(hop.arrived, arrival);
    schedule_.At(hop.arrived, arrive);
  }
  if (random_.Chance(quality.repeat_ppm)) {
    ++counts_.repeated;
    schedule_.At(arrival + some(quality.overtake_max), arrive);
  }
}

bool Network::Send(Port port, std::string_view device, std::string bytes, int lane) {
  Connection& from = ports_[port];
  const MonoTime now = schedule_.now();
  const LinkQuality& quality = QualityOf(from);
  while (!from.queue.empty() && from.queue.front().gone <= now) from.queue.pop_front();
  const microseconds waiting = std::max(
      microseconds(0), std::chrono::duration_cast<microseconds>(from.up_hop.free_at - now));
  const std::uint64_t backlog_bytes =
      static_cast<std::uint64_t>(waiting.count()) * quality.bytes_per_s / 1'000'000;
  counts_.backlog_bytes_peak = std::max(counts_.backlog_bytes_peak, backlog_bytes);
  if (from.connection == 0 || backlog_bytes > kBacklogBytesMax) {
    ++counts_.unsent;
    return false;
  }
  ++counts_.sent;
  counts_.sent_bytes += bytes.size();
  const bool from_cloud = from.device.empty();
  const std::size_t size = bytes.size();
  Pass(from.up_hop, quality, size, now,
       [this, port, connection = from.connection, from_cloud,
        to = from_cloud ? std::string(device) : from.device, frame = std::move(bytes)] {
         const Connection& sender = ports_[port];
         if (sender.connection != connection || Silent(sender)) return;
         AtBroker(to, from_cloud, frame);
       });
  if (quality.bytes_per_s == 0) return true;
  from.queue.push_back({from.up_hop.free_at, lane});
  schedule_.At(from.up_hop.free_at, [this, port, connection = from.connection] {
    const Connection& sender = ports_[port];
    if (sender.connection == connection && drained(port) && sender.events.drained) {
      sender.events.drained();
    }
  });
  return true;
}

std::size_t Network::LowerAhead(Port port) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      ports_[port].queue,
      [this](const Queued& frame) { return frame.lane > 0 && frame.gone > schedule_.now(); }));
}

bool Network::drained(Port port) const {
  return !up(port) || ports_[port].up_hop.free_at <= schedule_.now();
}

void Network::AtBroker(const std::string& device, bool from_cloud, const std::string& bytes) {
  for (Port port = 0; port < ports_.size(); ++port) {
    const Connection& to = ports_[port];
    const bool subscribed =
        from_cloud ? !to.device.empty() && (to.device == device || device == kEveryDevice)
                   : to.device.empty();
    if (subscribed && to.connection != 0) Down(port, device, bytes);
  }
}

void Network::Down(Port port, const std::string& device, const std::string& bytes) {
  Connection& to = ports_[port];
  Pass(to.down_hop, QualityOf(to), bytes.size(), schedule_.now(),
       [this, port, connection = to.connection, device, bytes] {
         const Connection& receiver = ports_[port];
         if (receiver.connection != connection || Silent(receiver)) return;
         ++counts_.delivered;
         receiver.events.frame(device, bytes);
       });
}

}  // namespace edgetwin::sim
