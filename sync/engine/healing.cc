// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/healing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "sync/engine/digest.h"
#include "sync/engine/hash_list.h"
#include "sync/engine/sender.h"
#include "twin/base/guard.h"

namespace edgetwin::sync {
namespace {

using model::Side;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Up to so many rows, their hashes are hardly more bytes than a sketch of a handful of differences.
constexpr std::size_t kListRowsMax = 200;
// The first question's, enough for 15 differences; nothing is known of their number by then.
constexpr std::size_t kFirstCells = 32;
constexpr std::size_t kCellsAsked = 3'000;          // In one question, so that an answer is 30 KB.
constexpr std::size_t kListBytesMax = 30 << 10;     // Of one answer.
constexpr std::size_t kDesiredBytesMax = 32 << 10;  // The same; estimated.
constexpr std::size_t kDesiredAsked = 500;
constexpr int kAskedMax = 6;
constexpr int kSketchesMax = 2;  // Attempts by sketch before everything is sent anew.
// Twins that stayed equal for so long were healed; see Healed for those that are known to be.
constexpr microseconds kHealedAfter = minutes(10);
// Between attempts that send everything.
constexpr microseconds kSnapshotPause = minutes(1);
// What a question and its answer take beside cells and hashes, as the codec writes them.
constexpr std::size_t kQuestionBytes = 56;
// How many bytes healing may take, what the digest takes afterwards included, but for the rows
// themselves; see protocol.md, "Healing". Never more than for each row of the twin, beside a few.
double BytesMax(double differences) {
  return 20 * differences + 1'024;
}
constexpr std::size_t kRowBytes = 8;
constexpr std::size_t kRowsBytes = 64;
constexpr std::size_t kVerifyBytes = 64;
constexpr std::size_t kListRowBytes = 4;  // At most, but for a sparse twin's.

// Attempts of one session differ by one, so that none is taken for another one.
std::uint32_t SaltOf(std::uint32_t attempt) {
  return On(Guard::kSketchSalt) ? attempt : 0;
}

}  // namespace

SketchVector SketchOf(const model::Twin& twin, std::uint32_t salt,
                      const std::function<bool(model::PropertyId)>& shared) {
  SketchVector vector;
  twin.ForEachProperty([&](model::PropertyId id) {
    const model::Pid pid = twin.pid(id);
    if (pid == 0) return;
    for (const Side side : model::kEverySide) {
      const model::Row* row = twin.row(id, side);
      if (row == nullptr || (side == Side::kDesired && shared && !shared(id))) continue;
      vector.push_back(
          {4 * pid + static_cast<std::uint32_t>(side), SketchHash(pid, side, *row, salt)});
    }
  });
  std::ranges::sort(vector, {}, &SketchEntry::index);
  return vector;
}

void Healer::Reset() {
  if (busy()) --in_row_;  // It did not fail: it was not finished.
  Forget();
}

void Healer::Forget() {
  phase_ = Phase::kIdle;
  ours_ = {};
  difference_ = {};
  found_.clear();
  desired_.clear();
  drop_.clear();
}

bool Healer::busy() const {
  return phase_ != Phase::kIdle;
}

void Healer::Healed() {
  if (!busy()) in_row_ = 0;
}

void Healer::Want(MonoTime now, const std::function<std::uint64_t(std::uint64_t below)>& random) {
  if (busy()) return;
  if (ended_ && now - *ended_ > kHealedAfter) in_row_ = 0;
  if (in_row_ > 0) ++failures_;
  ++in_row_;
  ++heals_;
  // Two bytes as a varint, most of the time.
  attempt_ = attempt_ == 0 ? 1 + static_cast<std::uint32_t>(random(1 << 13)) : attempt_ + 1;
  phase_ = Phase::kWanted;
  not_before_.reset();
  if (in_row_ > kSketchesMax + 1 && ended_) not_before_ = *ended_ + kSnapshotPause;
}

void Healer::Begin(const model::Twin& twin, MonoTime now) {
  ours_ = SketchOf(twin, SaltOf(attempt_), {});
  unnumbered_ = UnnumberedDigest(twin, {}).low;
  unnumbered_differ_ = unnumbered_done_ = false;
  frozen_head_ = twin.head();
  dictionary_n_ = twin.dictionary_size();
  difference_.clear();
  found_.clear();
  desired_.clear();
  drop_.clear();
  asked_ = 0;
  spent_ = 0;
  ask_at_ = now;
  phase_ = Phase::kCells;
  cells_wanted_ = kFirstCells;
  list_bytes_ = HashList(ours_, 1, std::numeric_limits<std::size_t>::max()).size();
  if (ours_.size() <= kListRowsMax) AskList();
}

bool Healer::Unanswered() const {
  if (spent_ != 0) return false;
  return phase_ == Phase::kCells || (phase_ == Phase::kList && list_n_ == 0);
}

void Healer::AskList() {
  phase_ = Phase::kList;
  list_next_ = 1;
  list_n_ = 0;
  asked_ = 0;
  ask_at_ = {};
}

void Healer::GiveUp(MonoTime now) {
  Forget();
  ended_ = now;
}

void Healer::End(Step& step, MonoTime now) {
  step.drop = std::exchange(drop_, {});
  step.verify = true;
  Forget();
  ended_ = now;
}

Healer::Step Healer::Next(const model::Twin& twin, bool settled, MonoTime now, microseconds rto) {
  Step step;
  if (phase_ == Phase::kWanted) {
    if (!settled || (not_before_ && now < *not_before_)) return step;
    Begin(twin, now);
    if (in_row_ > kSketchesMax) {
      step.snapshot = unnumbered_differ_ = true;
      for (const SketchEntry& entry : ours_) found_.push_back(entry.index);
      // Also what only the cloud has.
      for (model::Pid pid = 1; pid <= dictionary_n_; ++pid) {
        found_.push_back(4 * pid + static_cast<std::uint32_t>(Side::kDesired));
      }
      std::ranges::sort(found_);
      found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
      phase_ = Phase::kFound;
    }
  }
  if (phase_ == Phase::kFound) TakeFound(twin, step);
  if (phase_ == Phase::kDesired && desired_.empty()) {
    unnumbered_differ_ ? BeginUnnumbered(twin, step) : End(step, now);
  }
  if (phase_ == Phase::kUnnumbered && unnumbered_done_) End(step, now);
  // What the cloud is to forget has come anew by then.
  if (phase_ == Phase::kUnnumbered && (!settled || !step.renumber.empty())) return step;
  if (!busy() || now < ask_at_) return step;
  if (asked_ >= kAskedMax) {
    GiveUp(now);
    return step;
  }
  if (asked_ > 0 && Unanswered() && settled) {
    // Lost, and the other side takes its view when the question comes: both of one moment again, or
    // all that was sent since would count as different.
    const int asked = asked_;
    ++attempt_;
    Begin(twin, now);
    asked_ = asked;
  }
  HealAsk ask;
  ask.attempt = attempt_;
  if (phase_ == Phase::kCells) {
    ask.first_cell = static_cast<std::uint32_t>(difference_.size());
    ask.cells =
        static_cast<std::uint32_t>(std::min(cells_wanted_ - difference_.size(), kCellsAsked));
  } else if (phase_ == Phase::kList) {
    ask.first_cell = list_next_;
  } else if (phase_ == Phase::kUnnumbered) {
    ask.unnumbered = {frozen_head_, after_};
  } else {
    ask.desired.assign(desired_.begin(), desired_.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                desired_.size(), kDesiredAsked)));
  }
  step.ask = std::move(ask);
  ask_at_ = now + rto * (1 << std::min(asked_, 5));
  ++asked_;
  return step;
}

std::optional<MonoTime> Healer::NextStep() const {
  if (phase_ == Phase::kIdle) return {};
  if (phase_ == Phase::kWanted) return not_before_;
  return ask_at_;
}

void Healer::OnAnswer(const HealAnswer& answer, const model::Twin& twin, MonoTime now) {
  if (answer.attempt != attempt_) return;
  if (phase_ == Phase::kCells || phase_ == Phase::kList) {
    unnumbered_differ_ = answer.unnumbered != unnumbered_;
  }
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kWanted:
    case Phase::kFound: return;
    case Phase::kCells: OnCells(answer); break;
    case Phase::kList: OnList(answer); break;
    case Phase::kDesired: OnDesired(answer, twin); break;
    case Phase::kUnnumbered: OnUnnumbered(answer, twin); break;
  }
  // What comes next is asked at once, but for an answer that said nothing new.
  if (asked_ == 0) ask_at_ = now;
}

void Healer::OnCells(const HealAnswer& answer) {
  if (answer.first_cell != difference_.size() || answer.cells.size() < kCellBytes) return;
  std::vector<Cell> theirs = UnpackCells(answer.cells);
  theirs.resize(std::min(theirs.size(), cells_wanted_ - difference_.size()));
  spent_ += theirs.size() * kCellBytes + kQuestionBytes;
  Subtract(theirs, SketchCells(ours_, SaltOf(attempt_), difference_.size(), theirs.size()));
  difference_.insert(difference_.end(), theirs.begin(), theirs.end());
  asked_ = 0;
  if (difference_.size() < cells_wanted_) return;
  Peeled peeled = Peel(difference_, SaltOf(attempt_), 4, IndexMax());
  if (!peeled.complete) return AskMore(std::move(peeled), answer.rows_n);
  found_ = std::move(peeled.indices);
  phase_ = Phase::kFound;
}

// As many as it most likely takes, about a quarter more at least; the list when that is less.
void Healer::AskMore(Peeled peeled, std::size_t rows_n) {
  const std::size_t have = difference_.size();
  const double d = EstimateDifference(difference_);
  const auto enough = static_cast<std::size_t>(1.36 * d + 2 * std::sqrt(d) + 4);
  std::size_t more = std::max({enough, have + have / 4, have + 8}) - have;

  // The list must stay within the bound even when the cells don't help.
  const std::size_t rows =
      std::clamp<std::size_t>(rows_n, ours_.size(), std::max(ours_.size(), RowsMax()));
  const std::size_t list = list_bytes_ + (rows - ours_.size()) * kListRowBytes +
                           kQuestionBytes * (1 + list_bytes_ / kListBytesMax);
  const std::size_t bytes_max = kRowBytes * rows + kRowsBytes;
  const std::size_t spent = spent_ + kQuestionBytes + kVerifyBytes;
  const std::size_t more_max =
      spent + list > bytes_max ? 0 : (bytes_max - spent - list) / kCellBytes;
  const double most = 1.36 * d + 4 * std::sqrt(d) + 4;  // What it seldom takes.
  const double reach = static_cast<double>(have + more_max);
  const bool risky = reach < most && static_cast<double>(spent + list) < BytesMax(d);
  const bool hopeless = reach < 1.3 * d || more_max < have / 16 + 8;
  // Near that, by shorter steps: until some cells are empty, d is hardly known.
  if (2 * static_cast<double>(enough) > reach) {
    more = std::min(more, std::max(have / 2, have / 4 + 8));
  }
  more = std::min(more, more_max);
  const bool by_list = risky || hopeless || more * kCellBytes > list;

  // Seldom some differences stay tangled for long. The others are healed first, and then these, by
  // an attempt that is none too many.
  const auto found = static_cast<double>(peeled.indices.size());
  const double rest = EstimateDifference(peeled.rest);
  const bool tangled = rest < found && static_cast<double>(spent) < BytesMax(found);
  const std::size_t bytes = spent + (by_list ? list : more * kCellBytes);
  if (tangled && static_cast<double>(bytes) > BytesMax(found + rest)) {
    // One may be wrong: no tombstone is made of a row that perhaps nobody has.
    std::erase_if(peeled.indices, [this](std::uint32_t index) {
      return !std::ranges::binary_search(ours_, index, {}, &SketchEntry::index);
    });
    found_ = std::move(peeled.indices);
    phase_ = Phase::kFound;
    --in_row_;
    return;
  }
  if (by_list) return AskList();
  cells_wanted_ = have + more;
}

void Healer::OnList(const HealAnswer& answer) {
  if (answer.first_cell != list_next_) return;
  auto part = CompareHashList(answer.cells, ours_, list_next_, dictionary_n_);
  if (!part) return;  // Damaged: the question is repeated.
  const bool last = list_n_ + part->rows >= answer.rows_n;
  if (part->rows == 0 && !last) return;
  list_n_ += part->rows;
  list_next_ = part->next;
  asked_ = 0;
  found_.insert(found_.end(), part->different.begin(), part->different.end());
  if (!last) return;
  const auto rest =
      std::ranges::lower_bound(ours_, std::uint64_t{4} * list_next_, {}, &SketchEntry::index);
  for (auto own = rest; own != ours_.end(); ++own) found_.push_back(own->index);
  phase_ = Phase::kFound;
}

void Healer::TakeFound(const model::Twin& twin, Step& step) {
  for (const std::uint32_t index : found_) {
    const auto side = static_cast<Side>(index % 4);
    const model::Pid pid = index / 4;
    const model::PropertyId id = twin.FindPid(pid);
    if (id == model::kNoProperty || twin.pid(id) != pid) continue;
    if (side == Side::kDesired) {
      desired_.push_back(pid);
      continue;
    }
    // What changed since is owed anyway.
    const model::Row* row = twin.row(id, side);
    if (row == nullptr || row->dot.seq <= frozen_head_) step.renumber.emplace_back(id, side);
  }
  found_.clear();
  phase_ = Phase::kDesired;
  asked_ = 0;
  ask_at_ = {};
}

// They are few, as a rule, and have no index that cells could name: all of them are sent.
void Healer::BeginUnnumbered(const model::Twin& twin, Step& step) {
  phase_ = Phase::kUnnumbered;
  after_.clear();
  asked_ = 0;
  ask_at_ = {};
  twin.ForEachProperty([&](model::PropertyId id) {
    if (twin.pid(id) != 0 || twin.defined(id)) return;
    for (const Side side : {Side::kStatus, Side::kOverride}) {
      const model::Row* row = twin.row(id, side);
      if (row != nullptr && row->dot.seq <= frozen_head_) step.renumber.emplace_back(id, side);
    }
  });
}

// Those of the cloud come in the order of their paths; there is none where none came in between.
void Healer::OnUnnumbered(const HealAnswer& answer, const model::Twin& twin) {
  if (!AwaitsRows(answer) || answer.first_cell != answer.rows.size() || !answer.cells.empty()) {
    return;
  }
  const bool last = answer.rows_n <= answer.rows.size();
  if (answer.rows.empty() && !last) return;
  twin.ForEachProperty([&](model::PropertyId id) {
    const std::string& path = twin.def(id).path.text();
    if (twin.pid(id) != 0 || twin.row(id, Side::kDesired) == nullptr || path <= after_) return;
    if (!last && path > answer.rows.back().path) return;
    if (!std::ranges::binary_search(answer.rows, path, {}, &WireRow::path)) drop_.push_back(id);
  });
  if (!answer.rows.empty()) after_ = answer.rows.back().path;
  unnumbered_done_ = last;
  asked_ = 0;
}

bool Healer::AwaitsRows(const HealAnswer& answer) const {
  if (answer.attempt != attempt_) return false;
  if (phase_ == Phase::kUnnumbered) {
    const std::string* before = &after_;
    return std::ranges::all_of(answer.rows, [&before](const WireRow& row) {
      return row.pid == 0 && *std::exchange(before, &row.path) < row.path;
    });
  }
  if (phase_ != Phase::kDesired) return false;
  const std::size_t answered = std::min<std::size_t>(answer.first_cell, desired_.size());
  const auto asked = std::span(desired_).first(answered);
  return std::ranges::all_of(
      answer.rows, [&](const WireRow& row) { return std::ranges::binary_search(asked, row.pid); });
}

// The rows themselves are the engine's business. Of those asked for, `first_cell` were answered, in
// the order asked; there is none where none came.
void Healer::OnDesired(const HealAnswer& answer, const model::Twin& twin) {
  const std::size_t answered = std::min<std::size_t>(answer.first_cell, desired_.size());
  if (answered == 0 || !answer.cells.empty()) return;
  for (std::size_t i = 0; i < answered; ++i) {
    const bool came = std::ranges::any_of(
        answer.rows, [&](const WireRow& row) { return row.pid == desired_[i]; });
    const model::PropertyId id = twin.FindPid(desired_[i]);
    if (!came && id != model::kNoProperty) drop_.push_back(id);
  }
  desired_.erase(desired_.begin(), desired_.begin() + static_cast<std::ptrdiff_t>(answered));
  asked_ = 0;
}

std::vector<HealAnswer> HealSource::Answer(const HealAsk& ask, const model::Twin& twin,
                                           const std::function<bool(model::PropertyId)>& shared) {
  HealAnswer answer;
  answer.session = ask.session;
  answer.attempt = ask.attempt;
  if (!ask.desired.empty()) {
    Reset();  // The comparison is over.
    std::size_t bytes = 0;
    for (const model::Pid pid : ask.desired) {
      const model::PropertyId id = twin.FindPid(pid);
      const bool held = id != model::kNoProperty && (!shared || shared(id));
      if (const model::Row* row = held ? twin.row(id, Side::kDesired) : nullptr) {
        answer.rows.push_back(ToWire(twin, id, Side::kDesired, *row));
        bytes += EstimateBytes(answer.rows.back());
      }
      ++answer.first_cell;
      if (bytes > kDesiredBytesMax) break;
    }
    std::ranges::sort(answer.rows, {}, [](const WireRow& wire) { return wire.row.dot.seq; });
    return {std::move(answer)};
  }
  if (ask.unnumbered) {
    Reset();
    std::vector<std::pair<std::string_view, model::PropertyId>> held;
    twin.ForEachProperty([&](model::PropertyId id) {
      const std::string& path = twin.def(id).path.text();
      if (twin.pid(id) != 0 || twin.row(id, Side::kDesired) == nullptr) return;
      if (path > ask.unnumbered->after && (!shared || shared(id))) held.emplace_back(path, id);
    });
    std::ranges::sort(held);
    answer.rows_n = static_cast<std::uint32_t>(held.size());
    std::size_t bytes = 0;
    for (const auto& [path, id] : held) {
      answer.rows.push_back(ToWire(twin, id, Side::kDesired, *twin.row(id, Side::kDesired)));
      bytes += EstimateBytes(answer.rows.back());
      if (bytes > kDesiredBytesMax) break;
    }
    answer.first_cell = static_cast<std::uint32_t>(answer.rows.size());
    return {std::move(answer)};
  }
  // Once an attempt, whatever was sent since: all its answers speak of one moment.
  if (attempt_ != ask.attempt) {
    attempt_ = ask.attempt;
    unnumbered_ = UnnumberedDigest(twin, shared).low;
    theirs_ = SketchOf(twin, SaltOf(ask.attempt), shared);
  }
  answer.rows_n = static_cast<std::uint32_t>(theirs_.size());
  answer.first_cell = ask.first_cell;
  answer.unnumbered = unnumbered_;
  if (ask.cells > 0) {
    const std::size_t count = std::min<std::size_t>(ask.cells, kHealCellsMax);
    answer.cells = PackCells(SketchCells(theirs_, SaltOf(ask.attempt), ask.first_cell, count));
  } else if (ask.first_cell > 0 && ask.first_cell <= twin.dictionary_size()) {
    answer.cells = HashList(theirs_, ask.first_cell, kListBytesMax);
  }
  bytes_ += answer.cells.size();
  return {std::move(answer)};
}

}  // namespace edgetwin::sync
