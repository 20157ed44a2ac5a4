// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <cstddef>
#include <fstream>
#include <map>
#include <string>

namespace edgetwin::mqtt_driver {

// The lines of tahu_payloads.txt, by their names: bytes.
inline std::map<std::string, std::string> TheirPayloads() {
  std::ifstream file(EDGETWIN_SOURCE_DIR "/drivers/mqtt/testing/tahu_payloads.txt");
  std::map<std::string, std::string> payloads;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t blank = line.rfind(' ');
    std::string& bytes = payloads[line.substr(0, blank)];
    for (std::size_t i = blank + 1; i + 1 < line.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
    }
  }
  return payloads;
}

}  // namespace edgetwin::mqtt_driver
