// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The rules that keep the twins right, by name, so that the simulator can switch one off and show
// that it would notice. In every other build a guard is the constant true: see EDGETWIN_MUTATIONS.

#pragma once

#include <array>
#include <string_view>

namespace edgetwin {

enum class Guard {
  kWatermarkAtomicWithRows,  // A watermark is committed with the rows that it covers.
  kFromWithinWatermark,      // A frame that begins above the watermark doesn't advance it.
  kDotComparison,            // An older version of a row never replaces a newer one.
  kStaleEpoch,               // Who presents a stale epoch changes nothing.
  kEpochCounter,             // A new epoch's counter is above every one presented.
  kEpochToken,               // Epochs of one counter are told apart by their token.
  kLineageAncestor,          // A store that lacks our newest incarnation is not a continuation.
  kSeqLimitReservation,      // Nothing is sent above the durable limit.
  kIncDraw,                  // Each opening of a store draws an incarnation.
  kSuperseded,               // A branch that was given up comes back by an operator's will only.
  kUnheardSetback,           // An image from before a setback is noticed, though it continues.
  kPeerSession,              // Frames of a second cloud are not taken for the peer's.
  kIncumbentProbe,           // A newcomer waits until the incumbent was asked.
  kHelloDeltaJudged,         // What a Hello carries is taken only after the verdict on the Hello.
  kDictionaryChain,          // Dictionaries are compared by their chain, not by their length.
  kScopeIn,                  // Rows that enter the scope are owed anew.
  kScopeTaggedDigest,        // Digests of different scopes are not compared.
  kDigestCheck,              // A digest that differs is noticed.
  kSketchSalt,               // Each attempt at healing hashes with another salt.
  kDigestAfterHealing,       // Healing ends with an equal digest, or begins again.
  kCommitBeforePromise,      // What is promised is durable first.
  kCommandIdBeforeEffect,    // A command's id is durable before it has an effect.
  kCommandEpoch,             // A command of another epoch is not run.
  kReadBackBeforeRewrite,    // After a restart, the device is read before it is written.
  kOverrideRemaining,        // An override's remaining time survives a restart.
  kQuarantine,               // What the peer refuses is set aside; the rest goes on.
  kRetransmission,           // What isn't acknowledged is sent again.
  kOrdinalIntervals,         // Samples are acknowledged as intervals of their ordinals.
  kQueueCap,                 // Queues have a limit.
  kLocalOnlyBarrier,         // What is local-only leaves in no frame.
};
inline constexpr std::size_t kGuards = static_cast<std::size_t>(Guard::kLocalOnlyBarrier) + 1;

#ifdef EDGETWIN_MUTATIONS
inline std::array<bool, kGuards> guards_off{};  // Set before a simulated world is made.
inline bool On(Guard guard) {
  return !guards_off[static_cast<std::size_t>(guard)];
}
#else
constexpr bool On(Guard) {
  return true;
}
#endif

}  // namespace edgetwin
