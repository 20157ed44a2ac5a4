// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The invariants of docs/PROTOCOL.md as code, by their numbers. Watches a world from outside: what
// goes over the wire, what is committed, what reaches the plant. It knows the truth because it sees
// both sides at once, which no product code does.
//
// I11, every sample is delivered, stored or covered by a loss record, is in past.h.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sync/engine/cloud_session.h"
#include "sync/engine/edge_engine.h"
#include "tests/sim/ledger.h"
#include "twin/model/twin.h"

namespace edgetwin::sim {

inline constexpr int kInvariants = 18;
// "I1" and what it says, in a few words.
std::string_view InvariantName(int number);

struct Violation {
  int invariant = 0;
  MonoTime at{};
  std::string text;
};

// One opening of a device's store, as the invariants see it.
struct DeviceView {
  std::string_view device;  // Its id, which a clone has, too.
  std::size_t machine = 0;  // Its number in the world.
  const model::Twin& twin;
  const sync::EdgeEngine& engine;
  const Ledger& ledger;
};

struct CloudView {
  std::string_view device;
  const model::Twin& twin;
  const sync::CloudSession& session;
  const Ledger& ledger;
};

class Invariants {
 public:
  // Whom the cloud let in. It belongs to one history of the cloud: what a restored one never heard
  // of can't bind it.
  struct Admitted {
    std::size_t machine = 0;
    std::uint64_t inc = 0;  // The opening that was welcomed last.
  };
  struct Admission {
    std::map<std::uint64_t, Admitted> by_epoch;  // By its token.
    model::Lineage last;                         // Of who was welcomed last.
    std::set<std::uint64_t> given_up;            // Openings in whose place an older copy came.
  };
  using Admissions = std::map<std::string, Admission, std::less<>>;
  const Admissions& admissions() const { return admitted_; }
  void SetAdmissions(Admissions then) { admitted_ = std::move(then); }

  static constexpr std::size_t kViolationsKept = 20;

  void SetNow(MonoTime now) { now_ = now; }
  MonoTime now() const { return now_; }

  // `text` is a string, or makes one; it is needed when it does not hold.
  template <class Text>
  bool Expect(int number, bool holds, const Text& text) {
    ++checks_[static_cast<std::size_t>(number)];
    if (!holds) {
      if constexpr (std::is_invocable_v<Text>) {
        Violate(number, text());
      } else {
        Violate(number, text);
      }
    }
    return holds;
  }
  // Something that is no numbered invariant and must not happen either, such as a damaged store;
  // the nearest one's number.
  void Violate(int number, std::string text);

  // --- The wire. `live`: the device whose session it is, if one is running. ---

  void DeviceSends(const DeviceView& from, const sync::Frame& frame, const std::string& bytes,
                   const CloudView* cloud);
  void CloudSends(const CloudView& from, const sync::Frame& frame, const std::string& bytes,
                  const DeviceView* live);
  // A Hello as it is being judged, for I7 and I8.
  void CloudHears(const CloudView& at, const sync::Hello& hello, std::size_t machine);
  // An operator has let the next one in, whoever it is.
  void OperatorAdmits(const std::string& device) { operators_.insert(device); }
  // For I14: one that is lost on the way is the network's fault.
  void DeviceHears(const DeviceView& at, const sync::Nack& nack);
  // Whether that machine is the device that the cloud has admitted last, and has been connected and
  // undisturbed for long.
  void SetUndisturbed(std::function<bool(std::size_t machine)> asked) {
    undisturbed_ = std::move(asked);
  }

  // --- Stores ---

  void DeviceCommits(const DeviceView& device, const model::Batch& batch);
  void CloudCommits(std::string_view device, const Ledger& before, const model::Batch& batch,
                    bool done);
  // `difference`: see DoubtfulLedger.
  void StoreOpened(std::string_view whose, const std::string& difference);
  void DeviceStarted(std::string_view device);
  void CloudLoaded(std::string_view device, const Ledger& ledger);
  // The cloud's store was set back: what it had promised is not its to keep any more.
  void CloudSetBack(std::string_view device, const Ledger& ledger);
  // The device's was: what it held of the cloud's, and the numbers that it had given.
  void DeviceSetBack(std::string_view device);
  // The same, to `image`. A command that the image lacks, and of whose life since the cloud has
  // heard nothing, nobody knows to have run: that it runs once more is not to be helped. The same
  // when `copy`, a machine beside others, comes up with that store: what others ran it may run; and
  // when the cloud is set back after the device, so that it knows no more than that one.
  void DeviceForgets(std::string_view device, const DoubtfulLedger& image, const Ledger& cloud,
                     std::optional<std::size_t> copy = {});
  // The cloud's was, and of two machines one may not have heard of the other: a command that the
  // backup has open, and that one of them has run since, nobody knows to have run.
  void CloudForgets(std::string_view device, const Ledger& backup);
  // Numbers that no store holds any more as they were given, neither the cloud's nor any machine's,
  // may be given anew. `held`: by number and chain.
  void NumbersForgotten(std::string_view device,
                        const std::function<bool(model::Pid, std::uint64_t)>& held);

  // --- The plant ---

  // What asks for values, each unlike all others.
  void Wanted(std::string_view device, const model::Value& value, bool by_command);
  // Rows that changed in a store behind everybody's back, under the versions that they had.
  void Rotted(const model::Batch& batch);
  // A driver is about to write. `current`: what the actuator shows.
  void PlantWrites(const DeviceView& device, const std::string& path, const model::Value& value,
                   const model::Value& current);

  // An engine asks for a write.
  void PlantAsked(const DeviceView& device, const model::Value& value);

  // --- At rest ---

  // I9: nothing is owed, and both hold the same. Returns what differs first, or nothing.
  static std::string Unequal(const DeviceView& device, const CloudView& cloud);
  // I15: the device has again what the cloud had acknowledged, or something newer.
  void CheckRestored(const DeviceView& device);
  // The number of the last attempt at healing; 0: there was none.
  std::uint32_t LastHealing(std::string_view device) const;
  void CheckLimits(std::string_view whose, const std::vector<LimitReport>& limits);

  const std::array<std::uint64_t, kInvariants + 1>& checks() const { return checks_; }
  const std::vector<Violation>& violations() const { return violations_; }
  std::uint64_t violations_n() const { return violations_n_; }

 private:
  using DeviceRow = std::pair<std::string, model::Side>;  // Path and side.
  struct Promise {                                        // Made by acks for one device.
    std::map<DeviceRow, std::uint64_t> floor;  // The cloud holds the row at this seq or above.
    sync::Watermarks checked{};                // The acks so far, of the device's streams …
    std::uint64_t desired_checked = 0;         // … and of the cloud's.
    std::uint64_t events_ever = 0;             // Acknowledged by any cloud.
  };

  struct Hearing {
    std::size_t machine = 0;
    model::Lineage lineage;
    bool stale = false;
    model::Epoch epoch;  // The cloud's, then.
    // Of the last one of that session: it has an epoch that is over, and not because the Welcome
    // that told the new one was lost.
    bool outdated = false;
    bool let_in = false;  // An operator had said that another one may come.
  };

  void CheckNamesOneValue(std::string_view device, const model::Dot& dot, std::uint64_t content,
                          const std::string& what);
  void CheckWireRow(std::string_view device, const model::Twin& twin, const sync::WireRow& wire,
                    bool by_device);
  void CheckCloudAck(const CloudView& cloud, const sync::Ack& ack, const DeviceView& live);
  void CheckDeviceAck(const DeviceView& device, const sync::Ack& ack, const CloudView& cloud);
  bool CloudHolds(const DeviceView& from, model::Pid pid) const;
  void CheckPromises(const DeviceView& from, const sync::Delta& delta);
  void CheckPromises(const CloudView& from, const sync::Delta& delta);
  void NoteEventsLetGo(const DeviceView& from, const sync::Delta& delta);
  void CheckWelcome(const CloudView& from, const sync::Welcome& welcome);
  void CheckStanding(std::string_view device, const Hearing& hearing);
  void CheckDictionary(const DeviceView& from, const sync::DictionaryFrame& frame);
  void CheckNumbers(std::string_view device, const Ledger& before, const model::Batch& batch);
  void NoteHealAsk(const DeviceView& from, const sync::HealAsk& ask);
  void CheckHealAnswer(const CloudView& from, const sync::HealAnswer& answer);
  void CheckSecrets(const std::string& bytes, std::string_view device);

  MonoTime now_{};
  std::array<std::uint64_t, kInvariants + 1> checks_{};
  std::vector<Violation> violations_;
  std::uint64_t violations_n_ = 0;

  std::map<std::string, Promise, std::less<>> promises_;
  std::map<std::string, MonoTime, std::less<>> loaded_at_;    // By the cloud, last; by device.
  std::map<std::string, MonoTime, std::less<>> set_back_at_;  // The device, last.
  // Content by device and dot.
  std::map<std::string, std::unordered_map<std::uint64_t, std::uint64_t>, std::less<>> named_;
  // By device, epoch's token and number.
  struct Number {
    std::uint64_t content = 0, chain = 0;
  };
  std::map<std::string, std::map<std::pair<std::uint64_t, model::Pid>, Number>, std::less<>> pids_;
  Admissions admitted_;
  std::set<std::string, std::less<>> operators_;  // Devices, of whom somebody else may come.
  // By session and opening.
  std::map<std::string, std::map<std::pair<std::uint32_t, std::uint64_t>, Hearing>, std::less<>>
      heard_;
  std::function<bool(std::size_t)> undisturbed_;
  struct Wish {
    bool by_command = false;
    std::uint64_t effects = 0;
    std::size_t machine = 0;  // Of the last effect …
    MonoTime at{};            // … and when that was.
  };
  std::map<std::string, std::map<std::string, Wish>, std::less<>> wishes_;  // By value.
  // Events that the device kept to itself, or let go when it was told that they are held; by device
  // and version.
  std::map<std::string, std::set<std::uint64_t>, std::less<>> passed_over_;
  struct Heal {
    std::uint32_t attempt = 0;
    std::map<DeviceRow, model::Row> asked;  // The device's rows, when it asked first.
    bool compared = false;                  // With the cloud's.
    std::uint64_t different = 0;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    std::set<std::uint32_t> answered;  // First cells: an answer that is repeated costs nothing new.
  };
  void CompareHealed(const CloudView& cloud, Heal& heal);
  std::map<std::string, Heal, std::less<>> heals_;
  std::set<std::uint64_t> rotten_;  // Versions that name another value since.
  struct Poison {
    std::set<std::uint64_t> seqs;                            // Of refusable entries that were sent.
    std::set<std::pair<std::uint64_t, std::uint64_t>> sent;  // Frames …
    std::set<std::pair<std::uint64_t, std::uint64_t>> spans;  // … and those that were refused.
    std::size_t entries_max = 1;
  };
  std::map<std::string, Poison, std::less<>> poison_;  // Since the device's last start.
};

}  // namespace edgetwin::sim
