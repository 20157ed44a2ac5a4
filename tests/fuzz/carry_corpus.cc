// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// carry_corpus FOLDER: writes small files and messages of each kind, always the same, for the
// fuzzer to begin with.

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "sync/carry/carry.h"

namespace edgetwin::sync {
namespace {

CarryPart Part(std::size_t blocks, std::size_t losses) {
  CarryPart part;
  part.history.inc = 0x1122334455667788;
  for (std::size_t i = 0; i < blocks; ++i) {
    part.paths.push_back("pump/p" + std::to_string(i));
    part.history.blocks.push_back(
        {static_cast<model::Pid>(blocks - i), std::string(5 + i, static_cast<char>(i))});
  }
  for (std::size_t i = 0; i < losses; ++i) {
    part.paths.push_back("tank/l" + std::to_string(i));
    LossRecord loss;
    loss.reason = static_cast<std::uint32_t>(i);
    loss.first = i * 10;
    loss.last = loss.first + 9;
    loss.count = 10 - i % 3;
    loss.to = WallTime(std::chrono::milliseconds(i));
    part.history.losses.push_back({static_cast<model::Pid>(part.paths.size()), loss});
  }
  part.end = {7, 0xaa, 1, 2, 300, losses};
  part.last = losses > 0;
  return part;
}

std::vector<std::string> Seeds() {
  CarryHead head;
  head.device = "gateway";
  head.known = {1, 2};
  head.pattern = "pump/*";
  head.from = WallTime(std::chrono::milliseconds(-1));
  const std::vector<CarryContent> contents = {
      head,
      Part(0, 0),
      Part(1, 0),
      Part(3, 2),
      Part(9, 7),
      CarryEnd{1, 2, 3, 4},
      CarryReceipt{"gateway", 1, {2, 3, 0, 1, 5, 6}, {}, {7, 8}}};
  std::vector<std::string> seeds;
  for (const CarryContent& content : contents) {
    const std::string record = EncodeRecord(content);
    // The kind and the message, as the fuzzer frames them anew.
    seeds.push_back(record.substr(4, record.size() - 8));
  }
  seeds.push_back(std::string(CarryMagic()) + EncodeRecord(head) + EncodeRecord(Part(2, 1)) +
                  EncodeRecord(CarryEnd{1, 2, 3, 1}));
  seeds.push_back(std::string(CarryMagic()) + EncodeRecord(contents.back()));
  return seeds;
}

}  // namespace
}  // namespace edgetwin::sync

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: carry_corpus FOLDER\n", stderr);
    return 2;
  }
  int number = 0;
  for (const std::string& seed : edgetwin::sync::Seeds()) {
    std::ofstream file(std::string(argv[1]) + "/seed" + std::to_string(number++), std::ios::binary);
    file.write(seed.data(), static_cast<std::streamsize>(seed.size()));
    if (!file.flush()) {
      std::fprintf(stderr, "can't write to %s\n", argv[1]);
      return 1;
    }
  }
  return 0;
}
