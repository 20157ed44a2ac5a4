// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Bytes and time that history's blocks take, beside what anybody would compress doubles with and
// beside two published codecs, on real series.

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/bench.h"
#include "tests/bench/history_series.h"
#include "tests/bench/measure.h"
#include "tests/bench/published_codecs.h"
#include "twin/base/check.h"
#include "twin/history/block.h"

namespace edgetwin::bench {
namespace {

using model::Sample;
using nlohmann::json;
using Samples = std::span<const Sample>;

constexpr std::size_t kLarge = 1'000, kSmall = 100;  // Samples a block.
constexpr std::size_t kCountMax = 20'000;            // Of a series.
constexpr std::uint64_t kFirstOrdinal = 60'000'000;  // As after a week or more.

// The best of Gorilla, Chimp128, Elf, ALP and zstd on the whole of these series, in bits a value
// without time stamps: the tables in the ALP paper's repository (github.com/cwida/ALP).
const std::map<std::string, double>& PublishedBest() {
  static const std::map<std::string, double> kBest = {
      {"neon_air_pressure", 9.4}, {"city_temperature_f", 10.7}, {"neon_dew_point_temp", 13.4},
      {"neon_bio_temp_c", 10.8},  {"neon_pm10_dust", 7.8},      {"bird_migration_f", 20.1},
      {"basel_wind_f", 14.7},
  };
  return kBest;
}

std::string Doubles(Samples samples) {
  std::string bytes;
  for (const Sample& sample : samples) {
    const auto pattern = std::bit_cast<std::uint64_t>(sample.value.real());
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(pattern >> 8 * i);
  }
  return bytes;
}

std::size_t GzipBytes(Samples samples) {
  const std::string plain = Doubles(samples);
  uLongf size = compressBound(plain.size());
  std::string packed(size, '\0');
  EDGETWIN_CHECK(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                          reinterpret_cast<const Bytef*>(plain.data()), plain.size()) == Z_OK);
  return size;
}

std::size_t ZstdBytes(Samples samples) {
  const std::string plain = Doubles(samples);
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t size =
      ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 19);
  EDGETWIN_CHECK(!ZSTD_isError(size));
  return size;
}

// `samples` in blocks of `size`; a rest of fewer is a block only when there is no other.
std::vector<Samples> Cut(Samples samples, std::size_t size) {
  std::vector<Samples> blocks;
  for (std::size_t at = 0; at == 0 || at + size <= samples.size(); at += size) {
    blocks.push_back(samples.subspan(at, std::min(size, samples.size() - at)));
  }
  return blocks;
}

std::string Encoded(Samples samples) {
  return *history::EncodeBlock(samples, kFirstOrdinal);
}

template <class Bytes>
double BitsASample(const std::vector<Samples>& blocks, Bytes bytes_of) {
  std::size_t bytes = 0, count = 0;
  for (const Samples& block : blocks) {
    bytes += bytes_of(block);
    count += block.size();
  }
  return static_cast<double>(bytes) * 8 / static_cast<double>(count);
}

struct Nanoseconds {
  double encode = 0;  // A sample.
  double decode = 0;
};

using Blocks = std::vector<Samples>;

// For each series the shortest of several rounds, since what else runs on the machine only adds. A
// round goes through all series, as a gateway goes through its properties: over one block again and
// again, the processor would learn each branch by heart.
template <class Encode, class Decode>
std::vector<Nanoseconds> Time(const std::vector<Blocks>& all, Encode encode, Decode decode) {
  constexpr int kRounds = 25;
  std::vector<Nanoseconds> best(all.size(), {.encode = 1e9, .decode = 1e9});
  std::vector<std::vector<std::string>> encoded(all.size());
  const auto keep = [&](double& least, double begin, const Blocks& blocks) {
    std::size_t count = 0;
    for (const Samples& block : blocks) count += block.size();
    least = std::min(least, (NowUs() - begin) * 1e3 / static_cast<double>(count));
  };
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      encoded[i].resize(all[i].size());
      const double begin = NowUs();
      for (std::size_t k = 0; k < all[i].size(); ++k) encoded[i][k] = encode(all[i][k]);
      keep(best[i].encode, begin, all[i]);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double begin = NowUs();
      for (std::size_t k = 0; k < all[i].size(); ++k) {
        EDGETWIN_CHECK(decode(encoded[i][k], all[i][k].size()) == all[i][k].size());
      }
      keep(best[i].decode, begin, all[i]);
    }
  }
  return best;
}

void AddTimes(const std::vector<HistorySeries>& all, json& rows) {
  std::vector<Blocks> blocks;
  for (const HistorySeries& series : all) {
    blocks.push_back(
        Cut(Samples(series.regular).first(std::min(series.regular.size(), kCountMax)), kLarge));
  }
  const auto add = [&](const std::string& codec, const std::vector<Nanoseconds>& times) {
    for (std::size_t i = 0; i < times.size(); ++i) {
      rows[i][codec + "encode_ns"] = times[i].encode;
      rows[i][codec + "decode_ns"] = times[i].decode;
    }
  };
  add("", Time(blocks, Encoded, [](const std::string& bytes, std::size_t) {
        return history::DecodeBlock(bytes)->samples.size();
      }));
  add("gorilla_",
      Time(
          blocks, [](Samples samples) { return GorillaEncode(samples, Times::kDeltaOfDelta); },
          [](const std::string& bytes, std::size_t count) {
            return GorillaDecode(bytes, count, Times::kDeltaOfDelta).size();
          }));
  add("chimp128_", Time(blocks, Chimp128Encode, [](const std::string& bytes, std::size_t count) {
        return Chimp128Decode(bytes, count).size();
      }));
}

bool ComesBack(Samples samples) {
  const auto block = history::DecodeBlock(Encoded(samples));
  return block && std::equal(samples.begin(), samples.end(), block->samples.begin(),
                             block->samples.end(), [](const Sample& a, const Sample& b) {
                               return a.value == b.value && a.time == b.time;
                             });
}

json Measure(const HistorySeries& series) {
  const Samples samples = Samples(series.regular).first(std::min(series.regular.size(), kCountMax));
  const Blocks large = Cut(samples, kLarge);
  const Blocks small = Cut(samples.first(large.size() * large[0].size()), kSmall);
  const auto value_bits = [&](auto bytes_of) { return BitsASample(large, bytes_of); };
  json row;
  row["series"] = series.name;
  row["samples"] = large.size() * large[0].size();
  row["lossless"] = std::all_of(large.begin(), large.end(), ComesBack) &&
                    std::all_of(small.begin(), small.end(), ComesBack);
  const auto own = [](Samples block) { return Encoded(block).size(); };
  row["bits"] = BitsASample(large, own);
  row["bits_in_blocks_of_100"] = BitsASample(small, own);
  row["gorilla_bits"] =
      value_bits([](Samples block) { return GorillaEncode(block, Times::kNone).size(); });
  row["chimp128_bits"] = value_bits([](Samples block) { return Chimp128Encode(block).size(); });
  row["gzip_bits"] = value_bits(GzipBytes);
  row["zstd_19_bits"] = value_bits(ZstdBytes);
  if (!series.own.empty()) {
    const auto own_times = Cut(Samples(series.own).first(samples.size()), kLarge);
    row["bits_own_times"] = BitsASample(own_times, own);
    row["gorilla_bits_own_times"] = BitsASample(
        own_times, [](Samples block) { return GorillaEncode(block, Times::kDeltaOfDelta).size(); });
  }
  const auto same = [&](const Sample& sample) { return sample.value == samples[0].value; };
  row["constant"] = std::all_of(samples.begin(), samples.end(), same);
  row["two_decimals"] = std::all_of(samples.begin(), samples.end(), [](const Sample& sample) {
    return model::ScaleExactly(sample.value.real(), 2).has_value();
  });
  const auto published = PublishedBest().find(series.name);
  if (published != PublishedBest().end()) row["published_best_bits"] = published->second;
  return row;
}

double GeometricMean(const std::vector<double>& values) {
  double logarithms = 0;
  for (const double value : values) logarithms += std::log(value);
  return std::exp(logarithms / static_cast<double>(values.size()));
}

// One of figures' aims: what is at most how much. Left out where no series can tell.
void AddAim(json& aims, const std::string& what, const std::vector<double>& values, double aim) {
  if (values.empty()) return;
  const double mean = GeometricMean(values);
  aims.push_back({{"what", what},
                  {"geometric_mean", mean},
                  {"aim", aim},
                  {"series", values.size()},
                  {"reached", mean <= aim}});
}

json Aims(const json& rows) {
  std::vector<double> published, bytes, encode, decode, small;
  for (const json& row : rows) {
    const auto number = [&](const char* name) { return row[name].get<double>(); };
    if (row.contains("published_best_bits")) {
      published.push_back(number("bits") / number("published_best_bits"));
    }
    encode.push_back(number("encode_ns") / number("gorilla_encode_ns"));
    decode.push_back(number("decode_ns") / number("gorilla_decode_ns"));
    if (row["constant"].get<bool>()) continue;
    small.push_back(number("bits_in_blocks_of_100") / number("bits"));
    if (row["two_decimals"].get<bool>()) bytes.push_back(number("bits") / 8);
  }
  json aims = json::array();
  AddAim(aims, "bits, of the best published", published, 0.75);
  AddAim(aims, "bytes a sample, at most 2 decimals", bytes, 1.2);
  AddAim(aims, "blocks of 100, of blocks of 1,000", small, 1.5);
  AddAim(aims, "time to encode, of Gorilla's", encode, 1.5);
  AddAim(aims, "time to decode, of Gorilla's", decode, 1.5);
  return aims;
}

void Print(const json& report) {
  std::printf(
      "Bits a sample in blocks of 1,000, and of 100; ours with time stamps each second and all "
      "framing, the others' values only. Nanoseconds a sample, Gorilla's with time stamps.\n"
      "%-40s %6s | %6s %6s | %7s %8s %6s %7s %9s | %17s | %17s\n%-40s %6s | %6s %6s | %7s %8s "
      "%6s %7s %9s | %5s %5s %5s | %5s %5s %5s\n",
      "", "", "edge", "twin", "", "", "", "", "best", "encode ns", "decode ns", "series", "n",
      "1,000", "100", "Gorilla", "Chimp128", "gzip", "zstd-19", "published", "ours", "Gor.",
      "Chimp", "ours", "Gor.", "Chimp");
  const auto number = [](const json& row, const char* name) { return row[name].get<double>(); };
  for (const json& row : report["series"]) {
    std::printf("%-40s %6zu | %6.2f %6.2f | %7.2f %8.2f %6.2f %7.2f ",
                row["series"].get<std::string>().c_str(), row["samples"].get<std::size_t>(),
                number(row, "bits"), number(row, "bits_in_blocks_of_100"),
                number(row, "gorilla_bits"), number(row, "chimp128_bits"), number(row, "gzip_bits"),
                number(row, "zstd_19_bits"));
    if (row.contains("published_best_bits")) {
      std::printf("%9.1f", number(row, "published_best_bits"));
    } else {
      std::printf("%9s", "-");
    }
    std::printf(" | %5.1f %5.1f %5.1f | %5.1f %5.1f %5.1f%s\n", number(row, "encode_ns"),
                number(row, "gorilla_encode_ns"), number(row, "chimp128_encode_ns"),
                number(row, "decode_ns"), number(row, "gorilla_decode_ns"),
                number(row, "chimp128_decode_ns"),
                row["lossless"].get<bool>() ? "" : "  NOT LOSSLESS");
  }
  std::printf("\nWith the series' own time stamps: ours, and Gorilla.\n");
  for (const json& row : report["series"]) {
    if (!row.contains("bits_own_times")) continue;
    std::printf("%-40s %7.2f %7.2f\n", row["series"].get<std::string>().c_str(),
                number(row, "bits_own_times"), number(row, "gorilla_bits_own_times"));
  }
  std::printf("\nGeometric means over the series\n");
  for (const json& aim : report["aims"]) {
    std::printf("%-40s %6.3f  aim <= %.2f  %-11s (%zu series)\n",
                aim["what"].get<std::string>().c_str(), number(aim, "geometric_mean"),
                number(aim, "aim"), aim["reached"].get<bool>() ? "reached" : "NOT REACHED",
                aim["series"].get<std::size_t>());
  }
}

}  // namespace

int RunHistory(const HistoryOptions& options) {
  std::vector<HistorySeries> all;
  if (options.data.empty()) {
    std::fprintf(stderr, "No folder of data (--data, EDGETWIN_DATA): made series only.\n");
    all = SyntheticSeries();
  } else {
    Result<std::vector<HistorySeries>> read = ReadSeries(options.data);
    if (!read) {
      std::fprintf(stderr, "edgetwin-bench: %s\n", read.error().text.c_str());
      return 1;
    }
    all = std::move(*read);
  }
  json rows = json::array();
  for (const HistorySeries& series : all) rows.push_back(Measure(series));
  AddTimes(all, rows);
  const json report = {{"series", rows}, {"aims", Aims(rows)}};
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    Print(report);
  }
  const bool lossless = std::all_of(rows.begin(), rows.end(),
                                    [](const json& row) { return row["lossless"].get<bool>(); });
  return lossless ? 0 : 1;
}

}  // namespace edgetwin::bench
