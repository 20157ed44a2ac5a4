// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The connection to the broker as the rest of edgetwin sees it: a pipe that may lose, repeat and
// reorder.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/limit.h"
#include "twin/base/loop.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// Called on the loop's thread, never from within a call to the link; each may call the link, Close
// included.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  virtual void OnLinkUp() = 0;  // Connected and subscribed.
  virtual void OnLinkDown(
      const Error& why) = 0;  // Also for each failed attempt; the link goes on trying.
  // `peer`: the device id that the frame concerns. `bytes` are valid during the call.
  virtual void OnLinkFrame(std::string_view peer, std::span<const std::byte> bytes) = 0;
  // What waited in the link is with the kernel now; see Link::drained.
  virtual void OnLinkDrained() {}
};

struct LinkStats {
  bool up = false;
  std::string broker;  // The one connected to, or being tried: "mqtts://broker.example:8883".
  std::string last_error;
  std::uint64_t connects = 0;
  std::uint64_t failures = 0;
  std::uint64_t frames_sent = 0, frames_received = 0;
  // MQTT bytes of our PUBLISH packets: fixed header, topic, properties, payload.
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t oversized_dropped = 0;    // Received frames above the limit.
  std::uint64_t retained_dropped = 0;     // Received retained messages: stale by definition.
  std::uint64_t foreign_dropped = 0;      // Received on topics that are not ours.
  std::chrono::milliseconds next_try{0};  // While down: until the next attempt.
};

class Link {
 public:
  virtual ~Link() = default;
  // Starts connecting; reconnects by itself with full jitter, capped, until Close. Failing only for
  // what retrying can't cure (an unreadable key file, an impossible URL).
  virtual Status Open(LinkEvents& events) = 0;
  // Sends one frame to (cloud) or as (device) `peer`; a device's own `peer` may be empty.
  // kUnavailable: down. kExhausted: the socket's backlog is at `backlog_bytes_max`. kInvalid: no
  // such peer, or larger than this link or its broker can ever take. Nothing was sent then.
  virtual Status Send(std::string_view peer, std::span<const std::byte> bytes) = 0;
  // The cloud: as Send, to the short address that the device gave in its Hello; empty: to its
  // ordinary one. kInvalid: no such address.
  virtual Status SendTo(std::string_view peer, std::string_view address,
                        std::span<const std::byte> bytes) {
    (void)address;
    return Send(peer, bytes);
  }
  // A device: a short address of this connection for the Hello that is sent next, at which the
  // cloud's frames may come as well: it saves bytes. Empty when there is none, or when the last one
  // asked for brought nothing: a broker's access rules may not allow it.
  virtual std::string OfferAddress() { return {}; }
  // Whether nothing waits in the link: what is sent next overtakes nothing and is overtaken by
  // nothing. True while down.
  virtual bool drained() const = 0;
  // The cloud wants pauses between attempts of at most `backoff_max`, from the next one on; 0: as
  // configured.
  virtual void LimitBackoff(std::chrono::milliseconds backoff_max) = 0;
  // The session has proved itself: the backoff starts from its beginning next time.
  virtual void Proved() = 0;
  // Prompt, and a clean disconnect: the Will is not sent, unless the socket is so full that the
  // goodbye finds no room. No events after it returns. Open may be called again.
  virtual void Close() = 0;
  virtual LinkStats stats() const = 0;
  virtual std::vector<LimitReport> limits() const = 0;
};

}  // namespace edgetwin::sync
