// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A hostile cloud answers the device's questions, and a hostile device asks the cloud: neither may
// crash, nor take forever, nor name what isn't there.

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "sync/engine/healing.h"
#include "twin/base/check.h"

namespace edgetwin::sync {
namespace {

using model::PropertyId;
using model::Side;

constexpr int kTurnsMax = 2'000;  // A question is answered, or repeated at most six times.

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
    row.value = model::Value(1.0);
    row.dot = {1, i + 1};
    stored.rows.push_back({PropertyId{i}, i % 5 == 0 ? Side::kDesired : Side::kReported, row});
  }
  stored.lineage = {{.inc = 1, .first_seq = 1, .limit = 1'000'000}};
  return stored;
}

// Of several sizes, made once: nothing here changes them.
struct Twins {
  explicit Twins(std::uint32_t n) {
    device.Load(StoredTwin(n));
    cloud.Load(StoredTwin(n));
  }
  model::Twin device{model::Role::kDevice};
  model::Twin cloud{model::Role::kCloud};
};

const Twins& PickTwins(FuzzedDataProvider& data) {
  static const std::array<Twins, 4> twins = {Twins(0), Twins(20), Twins(190), Twins(300)};
  return twins[data.ConsumeIntegralInRange<std::size_t>(0, twins.size() - 1)];
}

HealAsk RandomAsk(FuzzedDataProvider& data) {
  HealAsk ask;
  ask.attempt = data.ConsumeIntegral<std::uint32_t>();
  ask.dictionary_n = data.ConsumeIntegral<std::uint32_t>();
  ask.first_cell = data.ConsumeIntegral<std::uint32_t>();
  ask.cells = data.ConsumeIntegralInRange<std::uint32_t>(0, 100);
  if (ask.cells == 100) ask.cells = kHealCellsMax;
  for (int i = data.ConsumeIntegralInRange(0, 5); i > 0; --i) {
    ask.desired.push_back(data.ConsumeIntegral<std::uint32_t>());
  }
  return ask;
}

HealAnswer RandomAnswer(FuzzedDataProvider& data, const HealAsk& ask) {
  HealAnswer answer;
  answer.attempt = data.ConsumeBool() ? ask.attempt : data.ConsumeIntegral<std::uint32_t>();
  answer.first_cell = data.ConsumeBool() ? ask.first_cell : data.ConsumeIntegral<std::uint32_t>();
  answer.rows_n = data.ConsumeIntegral<std::uint32_t>();
  answer.cells = data.ConsumeRandomLengthString(1'000);
  // As long as it should be, though not what it should be.
  if (data.ConsumeBool()) answer.cells.resize(ask.cells * kCellBytes);
  for (int i = data.ConsumeIntegralInRange(0, 3); i > 0; --i) {
    WireRow row;
    row.pid = data.ConsumeIntegral<std::uint32_t>();
    row.side = Side::kDesired;
    answer.rows.push_back(std::move(row));
  }
  return answer;
}

// The cloud's own answer, with some bytes of it changed.
HealAnswer DamagedAnswer(FuzzedDataProvider& data, HealAnswer answer) {
  for (int i = data.ConsumeIntegralInRange(0, 4); i > 0 && !answer.cells.empty(); --i) {
    answer.cells[data.ConsumeIntegralInRange<std::size_t>(0, answer.cells.size() - 1)] =
        data.ConsumeIntegral<char>();
  }
  return answer;
}

void CheckStep(const Healer::Step& step, const model::Twin& twin) {
  EDGETWIN_CHECK(step.renumber.size() <= model::kSides * twin.size());
  for (const auto& [id, side] : step.renumber) {
    EDGETWIN_CHECK(Index(id) < twin.size() && side != Side::kDesired);
  }
  for (const PropertyId id : step.drop) EDGETWIN_CHECK(Index(id) < twin.size());
  if (!step.ask) return;
  EDGETWIN_CHECK(step.ask->cells <= kHealCellsMax);
  EDGETWIN_CHECK(step.ask->desired.size() <= kHealDesiredMax);
  // Cells are asked for only while they are fewer bytes than what they describe.
  EDGETWIN_CHECK(step.ask->first_cell + step.ask->cells <= 8 * model::kSides * twin.size() + 32);
}

void Run(FuzzedDataProvider& data) {
  const model::Twin& device = PickTwins(data).device;
  const model::Twin& cloud = PickTwins(data).cloud;
  HealSource source;
  Healer healer;
  MonoTime now{std::chrono::seconds(1)};
  for (int attempt = 0; attempt < 4; ++attempt) {
    healer.Want(now, [](std::uint64_t) { return 0; });
    int turns = 0;
    while (healer.busy()) {
      EDGETWIN_CHECK(++turns < kTurnsMax);
      const Healer::Step step = healer.Next(device, true, now, std::chrono::seconds(2));
      CheckStep(step, device);
      if (const auto next = healer.NextStep()) now = std::max(now, *next);
      if (!step.ask || data.remaining_bytes() == 0) continue;
      for (const HealAnswer& answer : source.Answer(RandomAsk(data), cloud, {})) {
        EDGETWIN_CHECK(answer.cells.size() <= kHealCellsMax * kCellBytes);
      }
      HealAnswer answer = data.ConsumeBool()
                              ? RandomAnswer(data, *step.ask)
                              : DamagedAnswer(data, source.Answer(*step.ask, cloud, {})[0]);
      healer.AwaitsRows(answer);
      healer.OnAnswer(answer, device, now);
    }
  }
}

}  // namespace
}  // namespace edgetwin::sync

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider data(bytes, size);
  edgetwin::sync::Run(data);
  return 0;
}
