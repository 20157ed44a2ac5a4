// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-plant: the simulated water plant as a Modbus TCP server on 127.0.0.1.

#include <getopt.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "tests/plant/plant_server.h"

namespace {

using edgetwin::Result;
using edgetwin::Status;
using edgetwin::tests::Fault;
using edgetwin::tests::PlantServer;

constexpr const char* kUsage =
    "usage: edgetwin-plant [--port N] [--port-file FILE] [--units N] [--seconds N]\n"
    "                      [--log FILE] [--fault UNIT=NAME[:DELAY_MS]]...\n"
    "A water plant as a Modbus TCP server on 127.0.0.1. --port 0 (the default) takes a free one.\n"
    "Faults: silent gateway_target close slow garbage short wrong_transaction late busy "
    "ignore_writes;\n"
    "they can be set over Modbus too: holding register N of unit 247 is the fault of unit N (0: "
    "none),\n"
    "in the order above from 1; 300 + N is its delay in milliseconds.\n";

struct Arguments {
  edgetwin::tests::PlantOptions plant;
  std::string port_file;
  unsigned seconds = 0;
  struct UnitFault {
    int unit;
    Fault fault;
    int delay_ms;
  };
  std::vector<UnitFault> faults;
};

std::optional<int> Number(std::string_view text, int min, int max) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value < min || value > max ? std::nullopt : std::optional(value);
}

std::optional<Arguments::UnitFault> ParseUnitFault(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return std::nullopt;
  const std::optional<int> unit = Number(text.substr(0, equals), 1, 246);
  const std::string_view rest = text.substr(equals + 1);
  const std::size_t colon = std::min(rest.find(':'), rest.size());
  const Result<Fault> fault = edgetwin::tests::ParseFault(rest.substr(0, colon));
  const std::optional<int> delay =
      colon == rest.size() ? 0 : Number(rest.substr(colon + 1), 0, 65'535);
  if (!unit || !fault || !delay) return std::nullopt;
  return Arguments::UnitFault{*unit, *fault, *delay};
}

std::optional<Arguments> Parse(int argc, char** argv) {
  static const option kOptions[] = {{"port", required_argument, nullptr, 'p'},
                                    {"port-file", required_argument, nullptr, 'f'},
                                    {"units", required_argument, nullptr, 'u'},
                                    {"seconds", required_argument, nullptr, 's'},
                                    {"log", required_argument, nullptr, 'l'},
                                    {"fault", required_argument, nullptr, 'x'},
                                    {nullptr, 0, nullptr, 0}};
  Arguments result;
  for (int key = 0; (key = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    std::optional<int> number;
    switch (key) {
      case 'p':
        if (!(number = Number(optarg, 0, 65'535))) return std::nullopt;
        result.plant.port = static_cast<std::uint16_t>(*number);
        break;
      case 'u':
        if (!(number = Number(optarg, 1, 246))) return std::nullopt;
        result.plant.units = *number;
        break;
      case 's':
        if (!(number = Number(optarg, 1, 1'000'000))) return std::nullopt;
        result.seconds = static_cast<unsigned>(*number);
        break;
      case 'f': result.port_file = optarg; break;
      case 'l': result.plant.log_file = optarg; break;
      case 'x': {
        const auto fault = ParseUnitFault(optarg);
        if (!fault) return std::nullopt;
        result.faults.push_back(*fault);
        break;
      }
      default: return std::nullopt;
    }
  }
  if (optind != argc) return std::nullopt;
  return result;
}

// Whoever waits for the file finds it whole.
bool WritePortFile(const std::string& file, std::uint16_t port) {
  const std::string fresh = file + ".new";
  std::ofstream out(fresh);
  out << port << '\n';
  out.close();
  std::error_code error;
  std::filesystem::rename(fresh, file, error);
  return out.good() && !error;
}

std::atomic<PlantServer*> running{nullptr};

void OnSignal(int) {
  if (PlantServer* server = running.load()) server->Stop();
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments) {
    std::cerr << kUsage;
    return 2;
  }
  PlantServer server(arguments->plant);
  if (const Status listening = server.Listen(); !listening) {
    std::cerr << "edgetwin-plant: " << listening.error().text << '\n';
    return 1;
  }
  for (const auto& [unit, fault, delay_ms] : arguments->faults) {
    server.SetFault(unit, fault, std::chrono::milliseconds(delay_ms));
  }
  running = &server;
  for (const int signal : {SIGINT, SIGTERM, SIGALRM}) std::signal(signal, OnSignal);
  if (arguments->seconds > 0) alarm(arguments->seconds);
  if (!arguments->port_file.empty() && !WritePortFile(arguments->port_file, server.port())) {
    std::cerr << "edgetwin-plant: can't write '" << arguments->port_file << "'\n";
    return 1;
  }
  std::cout << "listening on 127.0.0.1:" << server.port() << std::endl;
  server.Run();
  running = nullptr;
}
