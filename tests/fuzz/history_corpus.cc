// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// history_corpus FOLDER: writes blocks of random series, always the same, for the fuzzer to begin
// with.

#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "twin/history/block.h"
#include "twin/history/testing/series.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: history_corpus FOLDER\n", stderr);
    return 2;
  }
  constexpr int kBlocks = 64;
  std::mt19937_64 random(1);
  for (int i = 0; i < kBlocks; ++i) {
    const auto samples = edgetwin::history::RandomSeries(random, 80);
    const std::string bytes = *edgetwin::history::EncodeBlock(samples, 1'000);
    std::ofstream file(std::string(argv[1]) + "/seed" + std::to_string(i), std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "can't write to %s\n", argv[1]);
      return 1;
    }
  }
  return 0;
}
