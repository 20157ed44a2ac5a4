// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// codec_corpus FOLDER: seeds for codec_fuzz, a few valid frames of every kind.

#include <cstdio>
#include <fstream>
#include <string>

#include "sync/codec/codec.h"
#include "sync/codec/testing/random_frames.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: codec_corpus FOLDER\n", stderr);
    return 2;
  }
  constexpr int kFrames = 128;
  edgetwin::sync::Random random(1);
  for (int i = 0; i < kFrames; ++i) {
    const std::string bytes = edgetwin::sync::Encode(edgetwin::sync::RandomFrame(random, 12));
    std::ofstream file(std::string(argv[1]) + "/seed" + std::to_string(i), std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "can't write to %s\n", argv[1]);
      return 1;
    }
  }
  return 0;
}
