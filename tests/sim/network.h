// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A simulated broker and everybody's connection to it. Frames are bytes. As over MQTT at QoS 0,
// what a connection had under way is lost with it; beyond that, frames are lost, repeated, delayed
// and overtaken at the rates of the day, which a real broker does less often.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/random.h"
#include "tests/sim/schedule.h"

namespace edgetwin::sim {

// Of each hop: to the broker, and from it.
struct LinkQuality {
  std::chrono::microseconds delay{5'000};
  std::chrono::microseconds jitter{5'000};  // On top; frames stay in order.
  std::uint32_t loss_ppm = 0;
  std::uint32_t repeat_ppm = 0;
  std::uint32_t overtake_ppm = 0;                   // Held back, so that later ones overtake it …
  std::chrono::microseconds overtake_max{500'000};  // … by up to this.
  std::uint64_t bytes_per_s = 0;                    // 0: no limit.
};

struct NetworkCounts {
  std::uint64_t sent = 0, sent_bytes = 0, delivered = 0;
  std::uint64_t lost = 0, repeated = 0, overtaken = 0, unsent = 0;
  std::uint64_t connects = 0, cuts = 0, partitions = 0, broker_crashes = 0, wills = 0;
  std::uint64_t backlog_bytes_peak = 0;
};

class Network {
 public:
  // What a connection's owner is told; each may call the network.
  struct Events {
    std::function<void()> up;
    std::function<void()> down;
    std::function<void(std::string_view device, const std::string& bytes)> frame;
    std::function<std::string()> will = {};  // Asked for with each attempt; empty: none.
    std::function<void()> drained = {};      // Nothing waits to be sent any more.
  };
  using Port = std::size_t;
  // To every device's port; what a cloud sends to `et/*/d`.
  static constexpr std::string_view kEveryDevice = "*";
  // Of a port that waits to be sent, at most; more is refused, as by the real link.
  static constexpr std::uint64_t kBacklogBytesMax = 1 << 20;

  // `schedule` must outlive it.
  Network(Schedule& schedule, Random random);

  // `device`: whose frames the port carries; empty: the cloud's, of all devices.
  Port Add(std::string device, Events events);
  // Connects, and again after each cut, with full jitter and backoff, until Close.
  void Open(Port port);
  // The owner is gone. `goodbye`: disconnects properly; else the broker publishes its Will.
  void Close(Port port, bool goodbye);
  void Proved(Port port) { ports_[port].failures = 0; }
  bool up(Port port) const { return ports_[port].connection != 0; }
  // Connected, and not in silence.
  bool reachable(Port port) const { return up(port) && !Silent(ports_[port]); }
  // Since when it has been so; of a port that is.
  MonoTime reachable_since(Port port) const {
    return std::max(ports_[port].up_since, ports_[port].silent_until);
  }
  // Nothing waits to be sent. True while down.
  bool drained(Port port) const;

  // `lane`: 0 is the most urgent; see LowerAhead. Below 0: in none. False: not sent.
  bool Send(Port port, std::string_view device, std::string bytes, int lane);

  void SetQuality(const LinkQuality& quality) { quality_ = quality; }
  const LinkQuality& quality() const { return quality_; }
  void SetQuality(Port port, const LinkQuality& quality);

  // --- What goes wrong ---

  // The connection breaks; both ends notice at once.
  void Cut(Port port);
  // Nothing passes for `length`, in silence; both ends notice after `notice` at the latest.
  void Partition(Port port, std::chrono::microseconds length, std::chrono::microseconds notice);
  // Everybody is cut, no Will is published, nobody connects for `length`.
  void CrashBroker(std::chrono::microseconds length);
  // From now on nothing goes wrong any more, and everybody may connect.
  void Calm(const LinkQuality& quality);

  const NetworkCounts& counts() const { return counts_; }
  // How many frames of a higher lane than 0 would stand before one that is sent now.
  std::size_t LowerAhead(Port port) const;

 private:
  struct Queued {  // Not gone from its port yet.
    MonoTime gone;
    int lane;
  };
  struct Hop {
    MonoTime free_at{};  // Of the rate limit.
    MonoTime arrived{};  // The last one in order.
  };
  struct Connection {
    std::string device;
    Events events;
    bool open = false;
    std::uint64_t attempt = 0;     // Of the attempts, which one counts.
    std::uint64_t connection = 0;  // 0: not connected.
    int failures = 0;
    std::string will;
    MonoTime up_since{};
    MonoTime silent_until{};
    LinkQuality quality;
    bool own_quality = false;
    Hop up_hop, down_hop;
    std::deque<Queued> queue;
  };

  const LinkQuality& QualityOf(const Connection& port) const;
  void Attempt(Port port);
  void Lost(Port port, bool will);
  void PublishWill(const Connection& port);
  // Calls `arrive` when the frame has passed the hop, never or more than once.
  void Pass(Hop& hop, const LinkQuality& quality, std::size_t bytes, MonoTime start,
            const std::function<void()>& arrive);
  void AtBroker(const std::string& device, bool from_cloud, const std::string& bytes);
  void Down(Port port, const std::string& device, const std::string& bytes);
  bool Silent(const Connection& port) const { return port.silent_until > schedule_.now(); }

  Schedule& schedule_;
  Random random_;
  LinkQuality quality_;
  std::vector<Connection> ports_;
  MonoTime broker_up_{};
  std::uint64_t last_connection_ = 0;
  NetworkCounts counts_;
};

}  // namespace edgetwin::sim
