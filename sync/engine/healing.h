// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Finding what differs between two twins whose digests differ, in bytes proportional to the
// difference. docs/PROTOCOL.md, "Healing". Pure.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine/frame.h"
#include "sync/engine/sketch.h"
#include "twin/model/twin.h"

namespace edgetwin::sync {

// The device's half: it asks for cells of the cloud's view until it can name the rows that differ.
// Its own rows are owed anew then; of the cloud's, it asks for the truth. The digests are compared
// again; after two failures everything is sent anew.
class Healer {
 public:
  // Forgets an attempt under way: the session ended. It does not count as failed.
  void Reset();
  // The digests of all streams were found equal: the next attempt is a first one again. Without
  // this call it is one ten minutes after the last.
  void Healed();
  // The digests differ. Nothing while an attempt is under way already.
  void Want(MonoTime now, const std::function<std::uint64_t(std::uint64_t below)>& random);
  bool busy() const;
  // It begins, or goes on, once everything is sent.
  bool waits() const { return phase_ == Phase::kWanted || phase_ == Phase::kUnnumbered; }

  struct Step {
    std::vector<std::pair<model::PropertyId, model::Side>> renumber;  // Owed anew.
    std::vector<model::PropertyId> drop;  // The cloud wants nothing of them, and never did.
    bool snapshot = false;                // The attempts have failed: these are all rows.
    bool verify = false;                  // Compare the digests again.
    std::optional<HealAsk> ask;  // Session, marks and dictionary are the caller's to fill in.
  };
  // What to do now. `settled`: everything that is owed was sent, so that both views can be frozen
  // at the marks that the caller puts into the ask.
  Step Next(const model::Twin& twin, bool settled, MonoTime now, std::chrono::microseconds rto);
  std::optional<MonoTime> NextStep() const;
  // Nothing for an answer that was not asked for. Any bytes of a hostile peer cost no more than
  // honest ones, and name nothing that isn't in the twin.
  void OnAnswer(const HealAnswer& answer, const model::Twin& twin, MonoTime now);
  // Whether the rows of `answer` are those asked for just now. Others are old and must not be taken
  // for the truth.
  bool AwaitsRows(const HealAnswer& answer) const;

  std::uint64_t heals() const { return heals_; }        // Attempts begun.
  std::uint64_t failures() const { return failures_; }  // Those that did not help.

 private:
  enum class Phase {
    kIdle,
    kWanted,      // Begins when everything is sent.
    kCells,       // Asks for cells …
    kList,        // … or, when that is cheaper, for the hashes of all rows.
    kFound,       // Knows which rows differ.
    kDesired,     // Asks for the cloud's rows among them.
    kUnnumbered,  // Asks for its rows of paths that have no pid, once ours were sent anew.
  };

  void Begin(const model::Twin& twin, MonoTime now);
  void OnCells(const HealAnswer& answer);
  void OnList(const HealAnswer& answer);
  void OnDesired(const HealAnswer& answer, const model::Twin& twin);
  void OnUnnumbered(const HealAnswer& answer, const model::Twin& twin);
  void BeginUnnumbered(const model::Twin& twin, Step& step);
  void AskMore(Peeled peeled, std::size_t rows_n);
  void AskList();
  bool Unanswered() const;  // The attempt's first question.
  void TakeFound(const model::Twin& twin, Step& step);
  void End(Step& step, MonoTime now);
  void GiveUp(MonoTime now);
  void Forget();
  std::uint32_t IndexMax() const { return 4 * dictionary_n_ + 3; }
  std::size_t RowsMax() const { return model::kSides * std::size_t{dictionary_n_}; }

  Phase phase_ = Phase::kIdle;
  std::uint32_t attempt_ = 0;
  int in_row_ = 0;                 // Attempts since the twins were equal, as far as we know.
  std::optional<MonoTime> ended_;  // The last one.
  std::optional<MonoTime> not_before_;
  MonoTime ask_at_{};
  int asked_ = 0;  // The same thing, in a row.
  // Our view, frozen.
  SketchVector ours_;
  std::uint64_t frozen_head_ = 0;
  model::Pid dictionary_n_ = 0;
  std::vector<Cell> difference_;
  std::size_t cells_wanted_ = 0;
  std::size_t spent_ = 0;       // Bytes of questions and answers, about.
  model::Pid list_next_ = 1;    // The first property of the hash list that is missing.
  std::size_t list_bytes_ = 0;  // Of our own one, which tells how long the cloud's is.
  std::size_t list_n_ = 0;      // Rows of it that came.
  std::vector<std::uint32_t> found_;
  std::vector<model::Pid> desired_;  // To be asked for.
  std::vector<model::PropertyId> drop_;
  std::uint64_t unnumbered_ = 0;    // Of our view; see HealAnswer.
  bool unnumbered_differ_ = false;  // The cloud's are others.
  bool unnumbered_done_ = false;
  std::string after_;  // Of those, the last one that has come.
  std::uint64_t heals_ = 0;
  std::uint64_t failures_ = 0;
};

// The cloud's half: its view of the twin, frozen per attempt.
class HealSource {
 public:
  void Reset() {
    attempt_.reset();
    theirs_ = {};
  }
  // `shared`: whether the device is to hold a property's desired row.
  std::vector<HealAnswer> Answer(const HealAsk& ask, const model::Twin& twin,
                                 const std::function<bool(model::PropertyId)>& shared);
  std::uint64_t bytes() const { return bytes_; }  // Of cells and hashes given out.

 private:
  std::optional<std::uint32_t> attempt_;
  SketchVector theirs_;  // Frozen at the attempt's first question.
  std::uint64_t unnumbered_ = 0;
  std::uint64_t bytes_ = 0;
};

// The rows of a twin that a sketch is over, with their hashes: every property that has a pid, of
// desired rows only those that are shared.
SketchVector SketchOf(const model::Twin& twin, std::uint32_t salt,
                      const std::function<bool(model::PropertyId)>& shared);

}  // namespace edgetwin::sync
