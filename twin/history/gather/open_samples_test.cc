// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/open_samples.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "twin/history/testing/series.h"

namespace edgetwin::history {
namespace {

using model::Quality;
using model::Sample;
using model::Value;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

void AddAll(OpenSamples& open, const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) open.Add(sample);
}

std::string DifferenceOfWhatComesOut(const std::vector<Sample>& samples) {
  OpenSamples open;
  AddAll(open, samples);
  EXPECT_EQ(open.size(), samples.size());
  return Difference(open.Samples(), samples);
}

// One a second with some jitter; two decimals.
std::vector<Sample> Ordinary(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Sample> samples;
  double level = 2'150;
  for (std::size_t i = 0; i < count; ++i) {
    level += static_cast<double>(random() % 11) - 5;
    const auto jitter = static_cast<std::int64_t>(random() % 7);
    samples.push_back(
        At(kStartMs + 1'000 * static_cast<std::int64_t>(i) + jitter, Value(level / 100)));
  }
  return samples;
}

TEST(OpenSamplesTest, GiveBackEverySeriesToTheBit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_EQ(DifferenceOfWhatComesOut(RandomSeries(random, 300)), "") << "series " << i;
  }
}

TEST(OpenSamplesTest, GiveBackExtremesInAnyOrder) {
  const std::vector<Value> values = {Value(),
                                     Value(0.0),
                                     Value(-0.0),
                                     Value(std::int64_t{0}),
                                     Value(kLeast),
                                     Value(kMost),
                                     Value(kLeast),
                                     Value(std::bit_cast<double>(kMost)),
                                     Value(kMost),
                                     Value(std::bit_cast<double>(0x7ff0'0000'0000'0001)),
                                     Value(std::bit_cast<double>(0xfff8'0000'dead'beef)),
                                     Value(std::numeric_limits<double>::infinity()),
                                     Value(std::numeric_limits<double>::denorm_min()),
                                     Value(false),
                                     Value(true),
                                     Value(std::string()),
                                     Value(std::string("grün\0.", 7)),
                                     Value(std::string(model::kValueBytesMax, 'x')),
                                     Value(model::Bytes{}),
                                     Value(model::Bytes{std::string("\xff\0\x80", 3)})};
  const std::vector<std::int64_t> times = {0, kStartMs, kLeast, kMost, -1, kMost, kLeast, 1, 0};
  std::vector<Sample> samples;
  std::mt19937_64 random(2);
  for (int i = 0; i < 5'000; ++i) {
    samples.push_back(At(times[random() % times.size()], values[random() % values.size()],
                         static_cast<Quality>(random() % 4)));
    samples.back().unsynced = random() % 2 == 0;
  }
  EXPECT_EQ(DifferenceOfWhatComesOut(samples), "");
  // Each as the first one, too.
  for (const Sample& sample : samples) {
    ASSERT_EQ(DifferenceOfWhatComesOut({sample, sample}), "");
  }
}

TEST(OpenSamplesTest, GiveBackDecimalsAmongWhatIsNone) {
  const double nan = std::bit_cast<double>(std::uint64_t{0x7ff8'0000'0000'0001});
  const std::vector<Value> values = {Value(21.5),    Value(21.5),
                                     Value(-0.0),    Value(0.0),
                                     Value(21.25),   Value(0.1 + 0.2),
                                     Value(nan),     Value(7e22),
                                     Value(21.75),   Value(-3.5),
                                     Value(1e-7),    Value(std::sqrt(2)),
                                     Value(0.3),     Value(std::int64_t{-1}),
                                     Value(true),    Value(21.5),
                                     Value(9e15),    Value(1.000001),
                                     Value(1.5),     Value(0.2),
                                     Value(1e300),   Value(4.25),
                                     Value(1.0 / 3), Value(2.5)};
  std::mt19937_64 random(3);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Sample> samples;
    const std::size_t count = 1 + random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      samples.push_back(At(kStartMs, values[random() % values.size()]));
    }
    ASSERT_EQ(DifferenceOfWhatComesOut(samples), "") << round;
  }
}

TEST(OpenSamplesTest, BeginAnewOnceTheyAreCleared) {
  OpenSamples open;
  for (std::uint64_t round = 0; round < 3; ++round) {
    const std::vector<Sample> samples = Ordinary(50 + round, round);
    AddAll(open, samples);
    EXPECT_EQ(Difference(open.Samples(), samples), "");
    open.Clear();
    EXPECT_TRUE(open.empty() && open.Samples().empty());
    EXPECT_EQ(open.used_bytes(), 0u);
    EXPECT_EQ(open.memory_bytes(), 0u) << "until there are samples again";
  }
}

TEST(OpenSamplesTest, TakeFewBytesInTheOrdinaryCase) {
  const auto bytes_a_sample = [](const std::vector<Sample>& samples) {
    OpenSamples open;
    AddAll(open, samples);
    open.Clear();
    AddAll(open, samples);  // The second minute knows what to expect.
    return static_cast<double>(open.memory_bytes()) / static_cast<double>(samples.size());
  };
  EXPECT_LT(bytes_a_sample(Ordinary(60, 1)), 4.7);
  std::vector<Sample> full = Ordinary(60, 1);
  for (Sample& sample : full) sample.value = Value(std::sqrt(sample.value.real()));
  EXPECT_LT(bytes_a_sample(full), 12.5);
  std::vector<std::int64_t> counter;
  for (std::int64_t i = 0; i < 60; ++i) counter.push_back(1'000'000 + i * 3);
  EXPECT_LT(bytes_a_sample(EachSecond(counter)), 4);
  EXPECT_LT(bytes_a_sample(EachSecond(std::vector<double>(60, 21.3))), 3);
}

TEST(OpenSamplesTest, DoNotGrowForAMinuteThatIsLikeTheOneBefore) {
  OpenSamples open;
  AddAll(open, Ordinary(60, 1));
  for (std::uint64_t minute = 2; minute < 100; ++minute) {
    open.Clear();
    const std::vector<Sample> samples = Ordinary(60, minute);
    open.Add(samples[0]);
    const std::size_t at_first = open.memory_bytes();
    for (std::size_t i = 1; i < samples.size(); ++i) open.Add(samples[i]);
    ASSERT_EQ(open.memory_bytes(), at_first);
  }
}

TEST(OpenSamplesTest, GrowByNoMoreThanHalf) {
  OpenSamples open;
  for (const Sample& sample : Ordinary(4'000, 1)) {
    open.Add(sample);
    ASSERT_LE(open.memory_bytes(), open.used_bytes() * 3 / 2 + 80);
  }
}

TEST(OpenSamplesTest, ExpectNoMoreThanAKilobyteAfterALargeBlock) {
  OpenSamples open;
  AddAll(open, Ordinary(4'000, 1));
  open.Clear();
  open.Add(At(kStartMs, Value(1.5)));
  EXPECT_LE(open.memory_bytes(), 1'200u);
}

// Not under a sanitizer: its allocator tells nothing.
TEST(OpenSamplesTest, TakeAsMuchOfTheHeapAsTheySay) {
  std::vector<OpenSamples> all(500);
  const std::vector<Sample> samples = Ordinary(60, 1);
  const std::size_t before = mallinfo2().uordblks;
  for (OpenSamples& open : all) AddAll(open, samples);
  const std::size_t after = mallinfo2().uordblks;
  if (before == 0) GTEST_SKIP() << "mallinfo2 says nothing here";
  std::size_t said = 0;
  for (const OpenSamples& open : all) said += open.memory_bytes();
  EXPECT_NEAR(static_cast<double>(after - before), static_cast<double>(said),
              static_cast<double>(said) * 0.05);
}

}  // namespace
}  // namespace edgetwin::history
