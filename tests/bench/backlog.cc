// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/backlog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <random>
#include <utility>

#include "sync/cloud/history/cloud_history.h"
#include "tests/bench/history_series.h"
#include "tests/bench/measure.h"
#include "twin/history/block.h"
#include "twin/history/gather/recorder.h"
#include "twin/history/store/history_store.h"

namespace edgetwin::bench {
namespace {

using history::BlockRecord;
using std::chrono::milliseconds;

// The finalizer of SplitMix64 (Steele, Lea, Flood, 2014).
std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
  return x ^ (x >> 31);
}

// The fewest digits that give back every value; nothing: no few do.
std::optional<int> DecimalsOf(const std::vector<double>& values) {
  for (int decimals = 0; decimals <= model::kDecimalsMax; ++decimals) {
    const auto exact = [decimals](double value) {
      return model::ScaleExactly(value, decimals).has_value();
    };
    if (std::ranges::all_of(values, exact)) return decimals;
  }
  return {};
}

// A series as it is tiled.
struct Tile {
  std::vector<double> values;
  std::vector<std::int64_t> scaled;  // By `decimals`; empty: they are doubles of full precision.
  int decimals = 0;
  double range = 0;
};

Tile MakeTile(const HistorySeries& series, std::optional<int> rounded_to) {
  Tile tile;
  for (const model::Sample& sample : series.regular) {
    double value = sample.value.real();
    if (rounded_to) {
      const double power = std::pow(10, *rounded_to);
      value = std::nearbyint(value * power) / power;
    }
    tile.values.push_back(value);
  }
  const auto [least, most] = std::ranges::minmax(tile.values);
  tile.range = most - least;
  const auto decimals = DecimalsOf(tile.values);
  if (!decimals) return tile;
  tile.decimals = *decimals;
  for (const double value : tile.values) {
    tile.scaled.push_back(*model::ScaleExactly(value, *decimals));
  }
  return tile;
}

std::string FileIn(const std::string& folder) {
  return folder + "/history.db";
}

Status AddBlock(const BlockRecord& record, std::uint64_t path_hash, std::uint64_t ordinals_end,
                SampleSum& sum) {
  const auto block = history::DecodeBlock(record.bytes);
  if (!block) return block.error();
  for (std::size_t i = 0; i < block->samples.size(); ++i) {
    const std::uint64_t ordinal = block->first_ordinal + i;
    if (ordinal < ordinals_end) sum.Add(path_hash, ordinal, block->samples[i]);
  }
  return {};
}

}  // namespace

std::uint64_t HashOfPath(const std::string& path) {
  std::uint64_t hash = path.size();
  for (const char c : path) hash = Mix(hash + static_cast<unsigned char>(c));
  return hash;
}

void SampleSum::Add(std::uint64_t path_hash, std::uint64_t ordinal, const model::Sample& sample) {
  std::uint64_t hash = Mix(path_hash + ordinal);
  hash = Mix(hash + static_cast<std::uint64_t>(sample.time.time_since_epoch().count()));
  const bool real = sample.value.type() == model::ValueType::kDouble;
  hash = Mix(hash + (real ? std::bit_cast<std::uint64_t>(sample.value.real())
                          : std::hash<std::string>()(model::ToJson(sample.value))));
  hash = Mix(hash + static_cast<std::uint64_t>(sample.quality) + (sample.unsynced ? 16 : 0));
  ++count;
  sum += hash;
}

struct BacklogSource::Impl {
  struct Property {
    const Tile* tile = nullptr;
    std::size_t at = 0;
    std::int64_t offset_scaled = 0;
    double offset = 0;
    milliseconds phase{0};
    std::uint64_t jitter = 0;  // Milliseconds, at most.
    std::uint64_t random = 0;
  };
  std::vector<Tile> tiles;
  std::vector<Property> properties;
};

BacklogSource::BacklogSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BacklogSource::BacklogSource(BacklogSource&&) noexcept = default;
BacklogSource::~BacklogSource() = default;

Result<BacklogSource> BacklogSource::Make(const BacklogOptions& options) {
  std::vector<HistorySeries> all = SyntheticSeries();
  if (!options.data.empty()) {
    Result<std::vector<HistorySeries>> read = ReadSeries(options.data);
    if (!read) return read.error();
    all = std::move(*read);
  }
  auto impl = std::make_unique<Impl>();
  for (const HistorySeries& series : all) impl->tiles.push_back(MakeTile(series, options.decimals));
  std::mt19937_64 random(options.seed);
  for (std::size_t i = 0; i < static_cast<std::size_t>(options.properties); ++i) {
    Impl::Property property;
    property.tile = &impl->tiles[i % impl->tiles.size()];
    property.at = random() % property.tile->values.size();
    // Another sensor of the same kind, elsewhere: within a tenth of what it ever showed.
    const double offset =
        property.tile->range / 10 * std::uniform_real_distribution<double>(-1, 1)(random);
    property.offset_scaled =
        static_cast<std::int64_t>(offset * std::pow(10, property.tile->decimals));
    property.offset = std::nearbyint(offset);
    property.phase = milliseconds(random() % 900);
    property.jitter = random() % static_cast<std::uint64_t>(options.jitter_ms_max + 1);
    property.random = random();
    impl->properties.push_back(property);
  }
  return BacklogSource(std::move(impl));
}

std::size_t BacklogSource::properties() const {
  return impl_->properties.size();
}

std::size_t BacklogSource::series() const {
  return impl_->tiles.size();
}

std::string BacklogSource::PathOf(std::size_t property) {
  char text[32];
  std::snprintf(text, sizeof text, "plant/p%03zu", property);
  return text;
}

model::Sample BacklogSource::Next(std::size_t index, WallTime second) {
  Impl::Property& property = impl_->properties[index];
  const Tile& tile = *property.tile;
  const std::size_t at = std::exchange(property.at, (property.at + 1) % tile.values.size());
  model::Sample sample;
  sample.value =
      model::Value(tile.scaled.empty()
                       ? tile.values[at] + property.offset
                       : model::Unscale(tile.scaled[at] + property.offset_scaled, tile.decimals));
  property.random += 0x9e37'79b9'7f4a'7c15;
  const std::uint64_t late = Mix(property.random) % (property.jitter + 1);
  sample.time = second + property.phase + milliseconds(late);
  return sample;
}

Result<Backlog> MakeBacklog(const BacklogOptions& options, const std::string& folder,
                            std::uint64_t bytes_max, WallTime end) {
  Result<BacklogSource> source = BacklogSource::Make(options);
  if (!source) return source.error();
  // As runtime::History has them.
  const history::RecorderOptions gather;
  history::HistoryStoreOptions store_options;
  store_options.path = FileIn(folder);
  store_options.inc = std::random_device()() | 1u;
  store_options.now = end - std::chrono::seconds(options.seconds);
  store_options.window_samples_max = gather.samples_max;
  store_options.bytes_max = bytes_max;
  auto store = history::HistoryStore::Open(store_options);
  if (!store) return store.error();
  history::Recorder recorder(gather);
  if (options.window_s > 0) {
    recorder.SetWindow(history::Priority::kNormal, std::chrono::seconds(options.window_s));
  }
  recorder.Attach((*store)->inc(), (*store)->paths(), history::LossReason::kFileLost,
                  store_options.now);
  Backlog made;
  const std::size_t n = source->properties();
  made.sums.resize(n);
  std::vector<history::Recorder::Slot> slots;
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = 0; i < n; ++i) {
    slots.push_back(recorder.Define(BacklogSource::PathOf(i)));
    hashes.push_back(HashOfPath(BacklogSource::PathOf(i)));
  }
  double commit_us = 0;
  const auto commit = [&](MonoTime now, bool everything) -> Status {
    while (auto batch = recorder.Take(now, everything)) {
      for (const BlockRecord& block : batch->blocks) made.block_bytes += block.bytes.size();
      made.blocks += batch->blocks.size();
      const double begin = NowUs();
      const Status done = (*store)->Commit(*batch);
      commit_us += NowUs() - begin;
      if (!done) return done;
      ++made.commits;
      recorder.Committed(true, now);
      if (!everything && recorder.NextTake().value_or(MonoTime::max()) > now) break;
    }
    return {};
  };
  const double begin = NowUs();
  const std::int64_t tenth = std::max<std::int64_t>(options.seconds / 10, 1);
  for (std::int64_t second = 0; second < options.seconds; ++second) {
    const MonoTime now{std::chrono::seconds(second + 1)};
    const WallTime wall = end - std::chrono::seconds(options.seconds - second);
    for (std::size_t i = 0; i < n; ++i) {
      const model::Sample sample = source->Next(i, wall);
      made.sums[i].Add(hashes[i], static_cast<std::uint64_t>(second), sample);
      recorder.Record(slots[i], history::Priority::kNormal, sample, now);
    }
    if (recorder.NextTake().value_or(MonoTime::max()) <= now) {
      if (Status done = commit(now, false); !done) return done.error();
    }
    if ((second + 1) % tenth == 0) {
      std::fprintf(stderr, "made %3.0f %% of the backlog, %.0f s\n",
                   100.0 * static_cast<double>(second + 1) / static_cast<double>(options.seconds),
                   (NowUs() - begin) / 1e6);
    }
  }
  if (Status done = commit(MonoTime(std::chrono::seconds(options.seconds + 1)), true); !done) {
    return done.error();
  }
  made.samples = static_cast<std::uint64_t>(options.seconds) * n;
  made.dropped = recorder.dropped();
  made.evicted = (*store)->stats().lost;
  if (Status closed = (*store)->Close({}); !closed) return closed.error();
  store->reset();
  made.made_s = (NowUs() - begin) / 1e6;
  made.encode_s = made.made_s - commit_us / 1e6;
  std::error_code ignored;
  for (const char* suffix : {"", "-wal"}) {
    const auto bytes = std::filesystem::file_size(FileIn(folder) + suffix, ignored);
    if (!ignored) made.file_bytes += bytes;
  }
  return made;
}

Result<std::vector<SampleSum>> SumDevice(const std::string& folder, std::size_t properties,
                                         std::uint64_t ordinals_end) {
  const auto store = history::HistoryStore::Inspect(FileIn(folder));
  if (!store) return store.error();
  std::vector<SampleSum> sums(properties);
  for (std::size_t i = 0; i < properties; ++i) {
    const std::string path = BacklogSource::PathOf(i);
    const auto& paths = (*store)->paths();
    const auto found = std::ranges::find(paths, path, &history::PathRecord::path);
    if (found == paths.end()) continue;
    Status added;
    const Status read = (*store)->ReadBlocks(
        found->id, WallTime::min(), WallTime::max(), [&](const BlockRecord& block) {
          added = AddBlock(block, HashOfPath(path), ordinals_end, sums[i]);
          return added.has_value();
        });
    if (!read) return read.error();
    if (!added) return added.error();
  }
  return sums;
}

Result<std::vector<SampleSum>> SumCloud(const std::string& folder, const std::string& device,
                                        std::size_t properties, std::uint64_t ordinals_end) {
  auto history = cloud::CloudHistory::Open({.path = FileIn(folder), .inc = 1});
  if (!history) return history.error();
  std::vector<SampleSum> sums(properties);
  for (std::size_t i = 0; i < properties; ++i) {
    const std::string path = BacklogSource::PathOf(i);
    Status added;
    const Status read = (*history)->ReadBlocks(
        device, path, WallTime::min(), WallTime::max(), [&](BlockRecord block, std::uint64_t) {
          added = AddBlock(block, HashOfPath(path), ordinals_end, sums[i]);
          return added.has_value();
        });
    if (!read && read.error().code != ErrorCode::kNotFound) return read.error();
    if (!added) return added.error();
  }
  return sums;
}

}  // namespace edgetwin::bench
