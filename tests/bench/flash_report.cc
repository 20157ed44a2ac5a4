// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/flash_report.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace edgetwin::bench {
namespace {

using nlohmann::json;

constexpr double kSecondsAYear = 365 * 86'400.0;
// A small eMMC of MLC, with what its controller makes of small writes: assumptions, not measured.
constexpr double kEmmcGb = 8, kEmmcCycles = 3'000, kEmmcAmplification = 4;

const std::vector<std::pair<const char*, const char*>>& Peers() {
  static const std::vector<std::pair<const char*, const char*>> kPeers = {
      {"one_row", "one row a transaction"},
      {"grouped_commit", "rows, a transaction a commit window"},
      {"grouped_history", "rows, a transaction a history window"}};
  return kPeers;
}

double Number(const json& object, const char* name) {
  return object[name].get<double>();
}

void AddYears(json& figures, double rate) {
  const double gb = Number(figures["kernel"], "a_sample") * rate * kSecondsAYear / 1e9;
  figures["gb_a_year"] = gb;
  figures["emmc_years"] = gb == 0 ? 0 : kEmmcGb * kEmmcCycles / kEmmcAmplification / gb;
}

void AddAim(json& aims, const std::string& what, double value, double aim) {
  aims.push_back({{"what", what}, {"value", value}, {"aim", aim}, {"reached", value <= aim}});
}

std::string Windows(const json& report) {
  const json& windows = report["windows"];
  char text[256];
  std::snprintf(text, sizeof text, "Windows: commit %g s, history %g s, checkpoint %g s%s.",
                Number(windows, "commit_s"), Number(windows, "history_s"),
                Number(windows, "checkpoint_s"),
                windows["scaled"].get<bool>()
                    ? ": SHORTER than the agent's 2, 120 and 600 s, to end within the run, so a "
                      "sample costs more than it would"
                    : ", as the agent's");
  return text;
}

void PrintRow(const std::string& name, const json& figures, const json* ratio) {
  std::printf("%-40s %9.2f %9.2f %9.2f %9.2f", name.c_str(), Number(figures["kernel"], "a_sample"),
              Number(figures["kernel"], "a_sample_in_the_run"), Number(figures["vfs"], "a_sample"),
              Number(figures, "gb_a_year"));
  std::printf(" %10.1f", Number(figures, "emmc_years"));
  if (ratio != nullptr) {
    for (const auto& peer : Peers()) std::printf(" %9.4f", Number(*ratio, peer.first));
  }
  std::printf("\n");
}

void PrintCauses(const std::string& name, const json& figures) {
  const double samples = Number(figures, "samples");
  std::printf("%-18s", name.c_str());
  for (const char* store : {"twin", "history"}) {
    for (const auto& [cause, bytes] : figures["by_cause"][store]["total"].items()) {
      if (bytes.get<double>() == 0) continue;
      std::printf(" %s %s %.3f;", store, cause.c_str(), bytes.get<double>() / samples);
    }
  }
  std::printf(" twin closing %.3f; commits %.0f, checkpoints %.0f, history's %.0f of %.0f blocks\n",
              Number(figures["by_cause"], "closing") / samples, Number(figures, "commits"),
              Number(figures, "checkpoints"), Number(figures, "history_commits"),
              Number(figures, "history_blocks"));
}

}  // namespace

void JudgeFlash(json& report) {
  json aims = json::array();
  for (json& row : report["rates"]) {
    const double rate = Number(row, "rate");
    for (const auto& peer : Peers()) AddYears(row["peers"][peer.first], rate);
    for (const char* way : {"online", "offline"}) {
      AddYears(row[way], rate);
      const double own = Number(row[way]["kernel"], "a_sample");
      for (const auto& peer : Peers()) {
        row[way]["ratio_to"][peer.first] =
            own / Number(row["peers"][peer.first]["kernel"], "a_sample");
      }
      if (rate == 1'000) {
        AddAim(aims, std::string("kernel bytes a sample, ") + way + ", 1,000 a second", own,
               std::string(way) == "online" ? 4 : 8);
      }
      if (rate == 10 && std::string(way) == "offline") {
        AddAim(aims, "kernel bytes a sample, offline, 10 a second", own, 270);
      }
    }
  }
  AddAim(aims, "kernel bytes a day, idle", Number(report["idle"], "kernel_a_day"), 100'000);
  // They are about the agent's own windows.
  report["aims"] = report["windows"]["scaled"].get<bool>() ? json::array() : std::move(aims);
  report["emmc"] = {
      {"gb", kEmmcGb}, {"cycles", kEmmcCycles}, {"amplification", kEmmcAmplification}};
  // Of design documents, measured elsewhere: with other values, and not all of them durable.
  report["published"] = {{"Neuron, offline cache", 13.7},
                         {"Fluent Bit, filesystem buffer", 46},
                         {"floor, WAL, synchronous=NORMAL, one row a property", 54}};
}

void PrintFlash(const json& report) {
  std::printf("Bytes written to %s (%s), a sample; %g s, values: %s. History on.\n%s\n",
              report["folder"].get<std::string>().c_str(),
              report["file_system"].get<std::string>().c_str(), Number(report, "seconds"),
              report["values"].get<std::string>().c_str(), Windows(report).c_str());
  std::printf(
      "All: run and clean stop, so that everything lies where it stays; the start apart. Kernel: "
      "write_bytes of /proc/PID/io, without the file system's own journal.\nRows: WAL, "
      "synchronous=FULL, three numbers, no index, nothing deleted.\n");
  for (const json& row : report["rates"]) {
    std::printf("\n%-40s %9s %9s %9s %9s %10s %29s\n%-40s %9s %9s %9s %9s %10s %9s %9s %9s\n",
                (std::to_string(row["rate"].get<int>()) + " samples a second").c_str(), "kernel",
                "kernel", "VFS", "", "years of", "x rows, a transaction each", "", "all", "run",
                "all", "GB/year", "the eMMC", "row", "commit w.", "history w.");
    for (const char* way : {"online", "offline"}) {
      PrintRow(std::string("edgetwin, ") + way, row[way], &row[way]["ratio_to"]);
    }
    for (const auto& peer : Peers()) PrintRow(peer.second, row["peers"][peer.first], nullptr);
  }
  std::printf("\nVFS bytes a sample by cause, and what happened in the run\n");
  for (const json& row : report["rates"]) {
    for (const char* way : {"online", "offline"}) {
      PrintCauses(std::to_string(row["rate"].get<int>()) + "/s, " + way, row[way]);
    }
  }
  std::printf("\nAims%s\n", report["aims"].empty() ? ": not judged, with shorter windows" : "");
  for (const json& aim : report["aims"]) {
    std::printf("%-46s %12.2f  aim <= %-9g %s\n", aim["what"].get<std::string>().c_str(),
                Number(aim, "value"), Number(aim, "aim"),
                aim["reached"].get<bool>() ? "reached" : "NOT REACHED");
  }
  std::printf("\nThe eMMC: %g GB, %g cycles, write amplification %g: assumed.\n", kEmmcGb,
              kEmmcCycles, kEmmcAmplification);
  std::printf("Published, measured elsewhere, a sample:");
  for (const auto& [name, bytes] : report["published"].items()) {
    std::printf(" %s %g;", name.c_str(), bytes.get<double>());
  }
  std::printf("\n");
}

}  // namespace edgetwin::bench
