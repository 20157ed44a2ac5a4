// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/wire_report.h"

#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace edgetwin::bench {
namespace {

using nlohmann::json;

// Bytes per changed property of a device of 100, as published for 1, 5 and 20 changed ones.
struct Published {
  const char* label;
  double each[3];
};
constexpr unsigned kChanged[] = {1, 5, 20};
constexpr Published kPublished[] = {
    {"AWS shadow: update + accepted", {421, 144, 92}},
    {"AWS shadow, with documents", {11'967, 2'452, 669}},
    {"Azure twin: reported PATCH + 204", {121, 40, 24}},
    {"Eclipse Ditto merge + 204", {484, 111, 42}},
    {"Sparkplug B DDATA, metric times", {71, 29, 21}},
    {"Sparkplug B DDATA, no metric times", {64, 22, 14}},
    {"JSON delta, QoS 1", {83, 31, 22}},
    {"naive packed protobuf, QoS 1", {76, 24, 14}},
};
constexpr Published kPublishedDesired[] = {
    {"AWS: desired + report", {658, 236, 157}},
    {"Azure: desired + report", {215, 73, 46}},
};
// What edgetwin aims at, for values of two decimals.
const std::map<std::string, std::map<unsigned, double>> kAims = {
    {"isolated", {{1, 50}, {5, 13}, {20, 6}}},
    {"flow", {{1, 32}, {5, 10}, {20, 5}}},
    {"desired", {{1, 95}, {5, 25}, {20, 11}}},
};

std::string Label(const std::string& kind) {
  if (kind == "isolated") return "one isolated message";
  if (kind == "flow") return "in a flow of messages";
  if (kind == "desired") return "desired, and its status";
  return "… and its value polled anew";
}

void PrintFigures(const json& workload, const std::string& kind) {
  std::printf("%-42s", Label(kind).c_str());
  for (const json& row : workload["rows"]) std::printf(" %9.1f", row[kind]["each"].get<double>());
  std::string verdict;
  for (const json& row : workload["rows"]) {
    if (!row[kind].contains("aim")) continue;
    char text[48];
    std::snprintf(text, sizeof text, "%s%g %s", verdict.empty() ? "   aim: " : ", ",
                  row[kind]["aim"].get<double>(),
                  row[kind]["reached"].get<bool>() ? "reached" : "MISSED");
    verdict += text;
  }
  std::printf("%s\n", verdict.c_str());
}

void PrintPeers(const json& workload) {
  if (workload["rows"].empty()) return;
  for (std::size_t i = 0; i < workload["rows"][0]["peers"].size(); ++i) {
    std::printf("%-42s", workload["rows"][0]["peers"][i]["label"].get<std::string>().c_str());
    for (const json& row : workload["rows"]) {
      std::printf(" %9.1f", row["peers"][i]["each"].get<double>());
    }
    std::printf("   measured here; no versions, no durable ack\n");
  }
}

void PrintPublished(const json& workload, const Published& published) {
  std::printf("%-42s", published.label);
  for (const json& row : workload["rows"]) {
    const auto changed = row["changed"].get<unsigned>();
    std::size_t at = 0;
    while (at < 3 && kChanged[at] != changed) ++at;
    if (at < 3) {
      std::printf(" %9.0f", published.each[at]);
    } else {
      std::printf(" %9s", "");
    }
  }
  std::printf("   published\n");
}

void PrintDetails(const json& workload, bool explain) {
  for (const json& row : workload["rows"]) {
    for (const char* kind : {"isolated", "flow", "desired", "desired_polled"}) {
      const json& figures = row[kind];
      const double messages = figures["values"].get<double>() / row["changed"].get<double>();
      std::printf(
          "%2u changed, %s: %.1f up + %.1f down a message, %.1f of it headers and topics; %.1f on "
          "the cloud's link; TCP/IP headers %.0f beside it",
          row["changed"].get<unsigned>(), Label(kind).c_str(),
          figures["up"].get<double>() / messages, figures["down"].get<double>() / messages,
          figures["headers"].get<double>() / messages,
          figures["cloud_link"].get<double>() / messages,
          figures["tcp_headers"].get<double>() / messages);
      if (figures.contains("frames_an_ack")) {
        std::printf("; %.1f frames an ack", figures["frames_an_ack"].get<double>());
      }
      std::printf("\n");
      if (!explain) continue;
      for (const json& packet : figures["packets"]) {
        std::printf("     %s\n", packet.get<std::string>().c_str());
      }
    }
  }
}

}  // namespace

void AddYardsticks(json& report) {
  for (json& workload : report["workloads"]) {
    const bool judged = workload["decimals"].get<int>() == 2;
    for (json& row : workload["rows"]) {
      for (const auto& [kind, aims] : kAims) {
        const auto aim = aims.find(row["changed"].get<unsigned>());
        if (!judged || aim == aims.end()) continue;
        row[kind]["aim"] = aim->second;
        row[kind]["reached"] = row[kind]["each"].get<double>() <= aim->second;
      }
    }
  }
  for (const Published& published : kPublished) {
    report["published"].push_back({{"label", published.label}, {"each", published.each}});
  }
  for (const Published& published : kPublishedDesired) {
    report["published_desired"].push_back({{"label", published.label}, {"each", published.each}});
  }
}

void PrintWire(const json& report) {
  std::printf(
      "Bytes of MQTT per changed property, of a device of %u with a device id of %zu characters:\n"
      "both directions of the device's link, headers, topics and acks included. edgetwin's with "
      "time\nstamps, versions and end-to-end acks that mean durable; %d trials.\n",
      report["properties"].get<unsigned>(), report["device"].get<std::string>().size(),
      report["trials"].get<int>());
  for (const json& workload : report["workloads"]) {
    std::printf("\n%-42s", workload["values"].get<std::string>().c_str());
    for (const json& row : workload["rows"]) {
      std::printf(" %2u changed", row["changed"].get<unsigned>());
    }
    std::printf("\n");
    for (const char* kind : {"isolated", "flow"}) PrintFigures(workload, kind);
    PrintPeers(workload);
    const bool judged = workload["decimals"].get<int>() == 2;  // The others were not published.
    if (judged) {
      for (const Published& published : kPublished) PrintPublished(workload, published);
    }
    for (const char* kind : {"desired", "desired_polled"}) PrintFigures(workload, kind);
    if (judged) {
      for (const Published& published : kPublishedDesired) PrintPublished(workload, published);
    }
    const json& begin = workload["begin"];
    const json& reconnect = workload["reconnect"];
    std::printf(
        "\nFirst contact, with the dictionary: %u up, %u down; another connection: %u and %u. "
        "While "
        "anything\nchanges, a check of the digest, at most once in 5 min: %u.\n\n",
        begin["up"].get<unsigned>(), begin["down"].get<unsigned>(), reconnect["up"].get<unsigned>(),
        reconnect["down"].get<unsigned>(), begin["digest"].get<unsigned>());
    const json& changed = workload["reconnect_changed"];
    std::printf(
        "With a value that changed meanwhile: %u and %u; from Hello on, it waited for %u frames "
        "of the\ncloud's.\n\n",
        changed["up"].get<unsigned>(), changed["down"].get<unsigned>(),
        changed["waits"].get<unsigned>());
    PrintDetails(workload, report["explain"].get<bool>());
  }
}

}  // namespace edgetwin::bench
