// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Healing two twins that differ in a few rows: bytes as MQTT carries them, beside sending all
// hashes and beside a walk through ranges, both computed over the same twins.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/codec/codec.h"
#include "sync/engine/healing.h"
#include "sync/engine/sketch.h"
#include "tests/bench/bench.h"
#include "tests/bench/measure.h"

namespace edgetwin::bench {
namespace {

using model::PropertyId;
using model::Side;
using nlohmann::json;
using sync::Frame;

constexpr std::string_view kTopic = "et/bench-gw-0001/u";  // Down ends with another letter.
constexpr std::uint32_t kSession = 12'345;
constexpr std::uint64_t kInc = 0x1234'5678'9abc'def0;
constexpr std::size_t kIndicesMax = 4 * 100'000 + 3;

// A QoS 0 PUBLISH of MQTT 5 without properties.
std::size_t PublishBytes(std::size_t payload) {
  const std::size_t rest = 2 + kTopic.size() + 1 + payload;
  return 1 + (rest < 128 ? 1u : rest < 16'384 ? 2u : 3u) + rest;
}

std::size_t PublishBytes(const Frame& frame) {
  return PublishBytes(sync::Encode(frame).size());
}

model::Stored StoredTwin(std::uint32_t n) {
  model::Stored stored;
  std::uint64_t chain = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    model::PropertyRecord record;
    record.id = PropertyId{i};
    record.pid = i + 1;
    record.def.path = *model::Path::Parse("plant/p" + std::to_string(i));
    record.def.type = model::ValueType::kDouble;
    model::DictionaryEntry entry{.pid = i + 1, .id = record.id, .def = record.def};
    entry.chain = chain = model::ChainHash(chain, entry);
    stored.properties.push_back(std::move(record));
    stored.dictionary.push_back(std::move(entry));
    model::Row row;
    row.value = model::Value(static_cast<double>(i) / 100);
    row.dot = {kInc, 1'000'000 + i};
    stored.rows.push_back({PropertyId{i}, Side::kReported, std::move(row)});
  }
  stored.lineage = {{.inc = kInc, .first_seq = 1, .limit = 1'000'000'000}};
  return stored;
}

class Twins {
 public:
  explicit Twins(std::uint32_t n)
      : device_(model::Role::kDevice, {.properties_max = n + 1}),
        cloud_(model::Role::kCloud, {.properties_max = n + 1}) {
    device_.Load(StoredTwin(n));
    cloud_.Load(StoredTwin(n));
    device_.Raise(1'000'000 + n);
  }

  // The device has versions of `d` rows that the cloud lacks. Their indices, as in a sketch.
  std::vector<std::uint32_t> Differ(std::size_t d, std::mt19937& random) {
    std::set<std::uint32_t> chosen;
    while (chosen.size() < d) chosen.insert(static_cast<std::uint32_t>(random() % device_.size()));
    std::vector<std::uint32_t> indices;
    for (const std::uint32_t i : chosen) {
      device_.Renumber(PropertyId{i}, Side::kReported);
      indices.push_back(i);
    }
    return indices;
  }

  struct Healed {
    std::size_t bytes = 0;
    int round_trips = 0;
    int attempts = 0;
    bool exact = true;  // Each row that differed was sent anew, and no other.
    double cpu_us = 0;  // Of both sides.
  };

  // Until both are equal. Bytes and round trips are those of the questions and answers, and of one
  // digest with its ack an attempt.
  Healed Heal(sync::Healer& healer, std::size_t d, std::mt19937& random) {
    Healed healed;
    healer.Healed();
    std::size_t renumbered = 0;
    sync::HealSource source;
    const double begin = NowUs();
    while (renumbered < d && healed.attempts < 10) {
      ++healed.attempts;
      healer.Want(now_, [&](std::uint64_t below) { return random() % below; });
      while (healer.busy()) {
        const sync::Healer::Step step = healer.Next(device_, true, now_, std::chrono::seconds(2));
        for (const auto& [id, side] : step.renumber) {
          device_.Renumber(id, side);
          cloud_.Apply(id, side, *device_.row(id, side));
        }
        renumbered += step.renumber.size();
        if (step.ask) Ask(*step.ask, healer, source, healed);
      }
      healed.bytes += VerifyBytes();
      ++healed.round_trips;
    }
    healed.cpu_us = NowUs() - begin;
    healed.exact = renumbered == d;
    return healed;
  }

 private:
  void Ask(sync::HealAsk ask, sync::Healer& healer, sync::HealSource& source, Healed& healed) {
    ask.session = kSession;
    ask.at[static_cast<std::size_t>(model::Stream::kState)] = device_.head();
    ask.dictionary_n = device_.dictionary_size();
    healed.bytes += PublishBytes(ask);
    ++healed.round_trips;
    for (const sync::HealAnswer& answer : source.Answer(ask, cloud_, {})) {
      healed.bytes += PublishBytes(answer);
      healer.OnAnswer(answer, device_, now_);
    }
  }

  std::size_t VerifyBytes() const {
    sync::Delta shown;
    shown.session = kSession;
    shown.stream = model::Stream::kState;
    shown.from = shown.to = device_.head();
    shown.digest = {{~std::uint64_t{0}, ~std::uint64_t{0}}, device_.dictionary_size(), 0};
    sync::Ack ack;
    ack.session = kSession;
    ack.watermark[static_cast<std::size_t>(model::Stream::kState)] = device_.head();
    ack.dictionary_n = device_.dictionary_size();
    ack.verified = ack.watermark;
    return PublishBytes(shown) + PublishBytes(ack);
  }

  model::Twin device_;
  model::Twin cloud_;
  MonoTime now_{std::chrono::seconds(100)};
};

struct Yardstick {
  std::size_t bytes = 0;
  int round_trips = 0;
};

// All hashes, of 4 bytes, in parts of 30 KB.
Yardstick FullList(std::size_t n) {
  constexpr std::size_t kPart = 30 << 10;
  Yardstick list;
  for (std::size_t left = 4 * n; left > 0; left -= std::min(left, kPart)) {
    list.bytes += PublishBytes(std::min(left, kPart) + 10) + PublishBytes(10);
    ++list.round_trips;
  }
  return list;
}

// Fingerprints of 8 bytes of 16 parts of each range that differs, level by level, down to ranges of
// at most 16 rows, of which the hashes of 4 bytes are sent. One message a level and side, whose
// ranges are named by 3 bytes each.
Yardstick RangeWalk(std::size_t n, const std::vector<std::uint32_t>& different) {
  constexpr std::size_t kWays = 16;
  Yardstick walk;
  std::vector<std::pair<std::size_t, std::size_t>> ranges = {{0, n}};
  while (!ranges.empty()) {
    std::vector<std::pair<std::size_t, std::size_t>> next;
    std::size_t answer = 10;
    for (const auto& [from, to] : ranges) {
      if (to - from <= kWays) {
        answer += 4 * (to - from);
        continue;
      }
      answer += 8 * kWays;
      for (std::size_t i = 0; i < kWays; ++i) {
        const std::size_t low = from + (to - from) * i / kWays;
        const std::size_t high = from + (to - from) * (i + 1) / kWays;
        const auto first = std::ranges::lower_bound(different, low);
        if (first != different.end() && *first < high) next.emplace_back(low, high);
      }
    }
    walk.bytes += PublishBytes(10 + 3 * ranges.size()) + PublishBytes(answer);
    ++walk.round_trips;
    ranges = std::move(next);
  }
  return walk;
}

// The fewest cells from which `d` differences are told, one cell at a time.
std::size_t CellsNeeded(std::size_t d, std::uint32_t salt, std::mt19937& random) {
  std::set<std::uint32_t> indices;
  while (indices.size() < d)
    indices.insert(static_cast<std::uint32_t>(4 + random() % (kIndicesMax - 3)));
  sync::SketchVector difference;
  for (const std::uint32_t index : indices) {
    difference.push_back({index, 1 + random() % (sync::kSketchPrime - 1)});
  }
  const std::size_t cells_max = 8 * d + 200;
  const std::vector<sync::Cell> cells = sync::SketchCells(difference, salt, 0, cells_max);
  const auto enough = [&](std::size_t n) {
    const std::vector<sync::Cell> first(cells.begin(),
                                        cells.begin() + static_cast<std::ptrdiff_t>(n));
    return sync::Peel(first, salt, 4, kIndicesMax).complete;
  };
  std::size_t low = d - 1;  // Too few.
  std::size_t high = cells_max;
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

json MeasureCells(std::size_t d, int trials, std::mt19937& random) {
  std::vector<double> cells;
  for (int i = 0; i < trials; ++i) {
    cells.push_back(
        static_cast<double>(CellsNeeded(d, static_cast<std::uint32_t>(random()), random)) /
        static_cast<double>(d));
  }
  return {
      {"different", d}, {"trials", trials}, {"mean", Mean(cells)}, {"p95", Percentile(cells, 95)}};
}

json MeasureHealing(Twins& twins, sync::Healer& healer, std::uint32_t n, std::size_t d, int trials,
                    std::mt19937& random) {
  std::vector<double> bytes, trips, cpu, walk_bytes, walk_trips;
  int second_attempts = 0;
  bool exact = true;
  for (int i = 0; i < trials; ++i) {
    const std::vector<std::uint32_t> different = twins.Differ(d, random);
    const Yardstick walk = RangeWalk(n, different);
    const Twins::Healed healed = twins.Heal(healer, d, random);
    exact &= healed.exact;
    second_attempts += healed.attempts > 1 ? 1 : 0;
    bytes.push_back(static_cast<double>(healed.bytes));
    trips.push_back(healed.round_trips);
    cpu.push_back(healed.cpu_us / 1'000);
    walk_bytes.push_back(static_cast<double>(walk.bytes));
    walk_trips.push_back(walk.round_trips);
  }
  const Yardstick list = FullList(n);
  const auto each = static_cast<double>(d);
  return {{"rows", n},
          {"different", d},
          {"trials", trials},
          {"exact", exact},
          {"second_attempts", second_attempts},
          {"bytes", Mean(bytes)},
          {"bytes_max", Percentile(bytes, 100)},
          {"bytes_each", Mean(bytes) / each},
          {"round_trips", Mean(trips)},
          {"round_trips_max", Percentile(trips, 100)},
          {"cpu_ms", Median(cpu)},
          {"list_bytes_each", static_cast<double>(list.bytes) / each},
          {"list_round_trips", list.round_trips},
          {"walk_bytes_each", Mean(walk_bytes) / each},
          {"walk_round_trips", Mean(walk_trips)}};
}

void Print(const json& report) {
  std::printf(
      "Rows of N that differ: bytes each as MQTT carries them, the digest afterwards "
      "included.\n\n%8s %7s | %9s %9s %9s %6s %4s %7s | %10s | %10s %6s\n",
      "N", "differ", "each", "in all", "most", "trips", "most", "CPU ms", "all hashes", "walk",
      "trips");
  for (const json& row : report["healing"]) {
    std::printf("%8u %7u | %9.1f %9.0f %9.0f %6.1f %4.0f %7.2f | %10.1f | %10.1f %6.1f%s\n",
                row["rows"].get<unsigned>(), row["different"].get<unsigned>(),
                row["bytes_each"].get<double>(), row["bytes"].get<double>(),
                row["bytes_max"].get<double>(), row["round_trips"].get<double>(),
                row["round_trips_max"].get<double>(), row["cpu_ms"].get<double>(),
                row["list_bytes_each"].get<double>(), row["walk_bytes_each"].get<double>(),
                row["walk_round_trips"].get<double>(), row["exact"].get<bool>() ? "" : "  WRONG");
  }
  std::printf("\nCells a difference, sent one by one:\n");
  for (const json& row : report["cells"]) {
    std::printf("%8u differences: mean %.2f, p95 %.2f\n", row["different"].get<unsigned>(),
                row["mean"].get<double>(), row["p95"].get<double>());
  }
}

}  // namespace

int RunHeal(const HealOptions& options) {
  std::mt19937 random(options.seed);
  json report = {{"healing", json::array()}, {"cells", json::array()}};
  bool exact = true;
  for (const std::uint32_t n : options.rows) {
    Twins twins(n);
    sync::Healer healer;
    for (const std::uint32_t d : options.different) {
      if (d == 0 || d > n) continue;
      report["healing"].push_back(MeasureHealing(twins, healer, n, d, options.trials, random));
      exact &= report["healing"].back()["exact"].get<bool>();
    }
  }
  for (const std::uint32_t d : options.different) {
    if (d > 0) report["cells"].push_back(MeasureCells(d, options.cell_trials, random));
  }
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    Print(report);
  }
  return exact ? 0 : 1;
}

}  // namespace edgetwin::bench
