// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/testing/series.h"

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>

namespace edgetwin::history {
namespace {

using model::Bytes;
using model::Quality;
using model::Sample;
using model::Value;

class Series {
 public:
  explicit Series(std::mt19937_64& random) : random_(random) {
    shape_ = Below(kShapes);
    decimals_ = static_cast<int>(Below(7));
    step_ = std::pow(10.0, static_cast<double>(Below(6)));
    texts_ = 1 + Below(12);
    exceptions_ = Below(3) == 0;
    period_ms_ = static_cast<std::int64_t>(1 + Below(100'000));
    clock_ = Below(5);
    time_ms_ = kStartMs + static_cast<std::int64_t>(Below(1'000'000'000));
    faults_ = Below(3) == 0;
  }

  Sample Next() {
    Sample sample = At(NextTime(), NextValue());
    if (faults_ && Below(40) == 0) quality_ = static_cast<Quality>(Below(4));
    sample.quality = quality_;
    sample.unsynced = faults_ && Below(200) == 0;
    return sample;
  }

 private:
  static constexpr std::uint64_t kShapes = 16;

  std::uint64_t Below(std::uint64_t below) { return random_() % below; }
  double Step() { return std::normal_distribution<>(0, step_)(random_); }

  std::int64_t NextTime() {
    const auto jitter = static_cast<std::int64_t>(Below(20)) - 10;
    switch (clock_) {
      case 0: return time_ms_ += period_ms_;
      case 1: return time_ms_ += period_ms_ + jitter;
      case 2: return time_ms_ += Below(50) == 0 ? 3'600'000 : 1'000;
      case 3: return time_ms_ += jitter;  // Repeats, and steps back.
      default: return static_cast<std::int64_t>(random_());
    }
  }

  Value NextValue() {
    if (exceptions_ && Below(30) == 0) return Exception();
    const double power = std::pow(10.0, decimals_);
    switch (shape_) {
      case 0: return Value(flag_ = flag_ != (Below(40) == 0));
      case 1: return Value(static_cast<std::int64_t>(level_ += Step()));
      case 2: return Value(static_cast<std::int64_t>(random_()));
      case 3: return Value(counter_ += static_cast<std::int64_t>(Below(9)));
      case 4: return Value(std::nearbyint(level_ += Step()) / power);
      case 5: return Value(std::nearbyint(Step()) / power);
      case 6: return Value(double{static_cast<float>(std::nearbyint(level_ += Step()) / power)});
      case 7: return Value(double{static_cast<float>(level_ += Step())});
      case 8: return Value(level_ += Step());
      case 9: return Value(std::bit_cast<double>(random_()));
      case 10: return Value(std::nearbyint(level_ += Step()) / 64);
      case 11: return Value(std::nearbyint(level_ += Step()) / power * 1.1 / 1.1);
      case 12: return Value("state " + std::to_string(Below(texts_)));
      case 13: return Value(std::string(Below(200), static_cast<char>('a' + Below(26))));
      case 14: return Value(Bytes{RandomBytes()});
      default: return Value(std::sin(static_cast<double>(counter_++) / 20) > 0.9 ? 1.5 : 21.25);
    }
  }

  std::string RandomBytes() {
    std::string bytes(Below(60), '\0');
    for (char& byte : bytes) byte = static_cast<char>(Below(256));
    return bytes;
  }

  Value Exception() {
    using Double = std::numeric_limits<double>;
    using Int = std::numeric_limits<std::int64_t>;
    switch (Below(12)) {
      case 0: return Value();
      case 1: return Value(Double::quiet_NaN());
      case 2: return Value(std::bit_cast<double>(0x7ff0'0000'0000'0001));  // Signalling.
      case 3: return Value(std::bit_cast<double>(0xfff8'0000'2000'0000));
      case 4: return Value(-0.0);
      case 5: return Value(Double::infinity());
      case 6: return Value(-Double::infinity());
      case 7: return Value(Double::denorm_min());
      case 8: return Value(Double::max());
      case 9: return Value(Int::min());
      case 10: return Value(Int::max());
      default: return Value(std::string());
    }
  }

  std::mt19937_64& random_;
  std::uint64_t shape_, clock_, texts_;
  int decimals_;
  double step_, level_ = 0;
  bool exceptions_, faults_, flag_ = false;
  std::int64_t period_ms_, time_ms_, counter_ = 0;
  Quality quality_ = Quality::kGood;
};

}  // namespace

Sample At(std::int64_t time_ms, Value value, Quality quality) {
  return {std::move(value), WallTime(std::chrono::milliseconds(time_ms)), quality};
}

std::string Difference(const std::vector<Sample>& a, const std::vector<Sample>& b) {
  if (a.size() != b.size()) {
    return std::to_string(a.size()) + " samples against " + std::to_string(b.size());
  }
  const auto text = [](const Sample& sample) {
    return Format(sample.value) + " at " + std::to_string(sample.time.time_since_epoch().count()) +
           ", " + std::string(ToString(sample.quality)) + (sample.unsynced ? ", unsynced" : "");
  };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].value != b[i].value || a[i].time != b[i].time || a[i].quality != b[i].quality ||
        a[i].unsynced != b[i].unsynced) {
      return "sample " + std::to_string(i) + ": " + text(a[i]) + " against " + text(b[i]);
    }
  }
  return {};
}

std::vector<Sample> RandomSeries(std::mt19937_64& random, std::size_t count_max) {
  std::vector<Sample> samples(1 + random() % count_max);
  Series series(random);
  for (Sample& sample : samples) sample = series.Next();
  return samples;
}

}  // namespace edgetwin::history
