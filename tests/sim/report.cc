// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace edgetwin::sim {
namespace {

using Json = nlohmann::ordered_json;

std::string Name(int invariant) {
  return invariant == 0 ? "died" : "I" + std::to_string(invariant);
}

Json Checks(const std::array<std::uint64_t, kInvariants + 1>& checks) {
  Json json = Json::object();
  for (int i = 1; i <= kInvariants; ++i) {
    json[Name(i)] = checks[static_cast<std::size_t>(i)];
  }
  return json;
}

Json Happened(const WorldResult& sum, bool faults) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kHappenings; ++i) {
    const auto happening = static_cast<Happening>(i);
    if (IsFault(happening) == faults) json[std::string(ToString(happening))] = sum.happened[i];
  }
  if (!faults) return json;
  json["frames_lost"] = sum.network.lost;
  json["frames_repeated"] = sum.network.repeated;
  json["frames_overtaken"] = sum.network.overtaken;
  json["writes_lost"] = sum.disks.unsynced.lost;
  json["writes_torn"] = sum.disks.unsynced.torn;
  json["writes_kept"] = sum.disks.unsynced.kept;
  json["io_errors"] = sum.disks.io_errors;
  json["disk_full_errors"] = sum.disks.full;
  return json;
}

std::string Fixed(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

}  // namespace

std::string ToJson(const Summary& summary, double wall_s, double cpu_s) {
  Json json;
  json["seeds"] = summary.seeds;
  json["seeds_counted"] = summary.seeds_counted;
  Json profiles = Json::object();
  for (std::size_t i = 0; i < summary.by_profile.size(); ++i) {
    if (summary.by_profile[i].first == 0) continue;
    profiles[std::string(Profiles()[i].name)] = summary.by_profile[i].first;
  }
  json["profiles"] = profiles;
  json["device_days"] = summary.device_days;
  json["faults"] = Happened(summary.sum, true);
  json["asked"] = Happened(summary.sum, false);
  json["checks"] = Checks(summary.sum.checks);
  json["violations"] = summary.violations;
  json["idle_steps"] = summary.sum.idle_steps;
  json["settling_max_s"] = static_cast<double>(summary.settling_max.count()) / 1e6;
  Json failures = Json::array();
  for (const Summary::Failure& failure : summary.failures) {
    failures.push_back({{"seed", failure.seed},
                        {"profile", failure.profile},
                        {"invariant", Name(failure.invariant)},
                        {"text", failure.text}});
  }
  json["failures"] = failures;
  json["wall_s"] = wall_s;
  json["cpu_s"] = cpu_s;
  json["device_days_per_cpu_s"] = cpu_s > 0 ? summary.device_days / cpu_s : 0;
  return json.dump(1);
}

std::string ToText(const Summary& summary, double wall_s, double cpu_s) {
  std::string text = std::to_string(summary.seeds) + " seeds, " + Fixed(summary.device_days, 2) +
                     " device-days, " + std::to_string(summary.sum.faults) + " faults, " +
                     std::to_string(summary.violations) + " violations; " + Fixed(wall_s, 1) +
                     " s, " + Fixed(summary.device_days * 86'400 / std::max(cpu_s, 1e-9), 0) +
                     " times real time a processor\n";
  text += "checks:";
  for (int i = 1; i <= kInvariants; ++i) {
    text += " " + Name(i) + " " + std::to_string(summary.sum.checks[static_cast<std::size_t>(i)]);
  }
  return text + "\n";
}

std::string ToJson(const CrashReport& report, double wall_s, double cpu_s) {
  Json json;
  json["seeds"] = report.seeds;
  json["crash_points"] = report.crash_points;
  Json parts = Json::object();
  for (const auto& [scenario, part] : report.parts) {
    parts[scenario] = {{"crash_points", part.crash_points},
                       {"calls", part.calls},
                       {"violations", part.violations}};
  }
  json["scenarios"] = parts;
  json["variants"] = report.variants;
  json["checks"] = Checks(report.checks);
  json["violations"] = report.violations;
  Json failures = Json::array();
  for (const CrashReport::Failure& failure : report.failures) {
    failures.push_back({{"scenario", failure.scenario},
                        {"seed", failure.seed},
                        {"point", failure.point.text()},
                        {"invariant", Name(failure.invariant)},
                        {"text", failure.text}});
  }
  json["failures"] = failures;
  json["wall_s"] = wall_s;
  json["cpu_s"] = cpu_s;
  return json.dump(1);
}

std::string ToText(const CrashReport& report, double wall_s, double cpu_s) {
  std::string text;
  for (const auto& [scenario, part] : report.parts) {
    text += scenario + ": " + std::to_string(part.calls) + " calls, " +
            std::to_string(part.crash_points) + " crash points, " +
            std::to_string(part.violations) + " violations\n";
  }
  const double points = static_cast<double>(report.crash_points);
  return text + std::to_string(report.crash_points) + " crash points of " +
         std::to_string(report.seeds) + " seeds, " + std::to_string(report.violations) +
         " violations; " + Fixed(wall_s, 1) + " s, " + Fixed(points / std::max(cpu_s, 1e-9), 0) +
         " points a second of a processor\n";
}

std::string ToJson(const std::vector<MutationReport>& reports, double wall_s) {
  Json json;
  Json guards = Json::array();
  std::uint64_t missed = 0;
  for (const MutationReport& report : reports) {
    missed += report.missed() ? 1 : 0;
    Json guard = {{"guard", ToString(report.guard)}};
    if (!report.waits_for.empty()) {
      guard["waits_for"] = report.waits_for;
      guards.push_back(std::move(guard));
      continue;
    }
    guard["invariant"] = report.invariant == 0 ? Json() : Json(Name(report.invariant));
    guard["profile"] = report.profile;
    guard["seed"] = report.seed;
    guard["seeds_tried"] = report.seeds;
    guard["died"] = report.died;
    guard["skipped"] = report.skipped;
    guard["text"] = report.text;
    guards.push_back(std::move(guard));
  }
  json["guards"] = guards;
  json["missed"] = missed;
  json["wall_s"] = wall_s;
  return json.dump(1);
}

std::string ToText(const MutationReport& report) {
  std::string text(ToString(report.guard));
  if (!report.waits_for.empty()) return text + ": waits for " + report.waits_for + "\n";
  text += ": ";
  text += report.invariant == 0
              ? "missed by " + std::to_string(report.seeds) + " seeds"
              : Name(report.invariant) + " after " + std::to_string(report.seeds) + " seeds (" +
                    report.profile + " " + std::to_string(report.seed) + "): " + report.text;
  if (report.died != 0) text += "; " + std::to_string(report.died) + " died";
  if (report.skipped != 0) {
    text += "; " + std::to_string(report.skipped) + " fail without it, too";
  }
  return text + "\n";
}

std::string ToText(const std::vector<MutationReport>& reports, double wall_s) {
  std::uint64_t missed = 0;
  std::uint64_t waiting = 0;
  for (const MutationReport& report : reports) {
    missed += report.missed() ? 1 : 0;
    waiting += report.waits_for.empty() ? 0 : 1;
  }
  return std::to_string(reports.size()) + " guards, " + std::to_string(missed) + " missed, " +
         std::to_string(waiting) + " not there yet; " + Fixed(wall_s, 1) + " s\n";
}

}  // namespace edgetwin::sim
