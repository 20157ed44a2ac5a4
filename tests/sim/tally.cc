// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/tally.h"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/sim/expected.h"
#include "tests/sim/profile.h"
#include "tests/sim/scenarios.h"

namespace edgetwin::sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kFailuresMax = 200;

void AddCounts(Tally::Counts& sum, const Json& counts) {
  for (const auto& [name, n] : counts.items()) sum[name] += n.get<std::uint64_t>();
}

std::uint64_t Of(const Tally::Counts& counts, std::string_view name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

// Throws what nlohmann throws when the line lacks something; the sum is as before then.
Status AddLine(Tally& tally, const Json& line) {
  const auto profile = line.at("profile").get<std::string>();
  const Json& result = line.at("result");
  const auto first = line.at("first").get<std::uint64_t>();
  const auto last = line.at("last").get<std::uint64_t>();
  Tally::Part part = tally.PartOf(profile);
  if (first != part.last_seed + 1 || last < first) {
    return Invalid("seeds " + std::to_string(first) + ".." + std::to_string(last) + " of " +
                   (profile.empty() ? "the crash points" : profile) + " follow seed " +
                   std::to_string(part.last_seed));
  }
  ++part.batches;
  part.last_seed = last;
  part.seeds += result.at("seeds").get<std::uint64_t>();
  part.violations += result.at("violations").get<std::uint64_t>();
  part.cpu_s += result.at("cpu_s").get<double>();
  AddCounts(part.checks, result.at("checks"));
  if (profile.empty()) {
    part.crash_points += result.at("crash_points").get<std::uint64_t>();
    for (const auto& [name, scenario] : result.at("scenarios").items()) {
      part.scenarios[name] += scenario.at("crash_points").get<std::uint64_t>();
    }
    AddCounts(part.variants, result.at("variants"));
  } else {
    part.seeds_counted += result.at("seeds_counted").get<std::uint64_t>();
    part.device_days += result.at("device_days").get<double>();
    AddCounts(part.faults, result.at("faults"));
    AddCounts(part.asked, result.at("asked"));
  }
  for (const Json& failure : result.at("failures")) {
    if (tally.failures.size() < kFailuresMax) tally.failures.push_back(failure.dump());
  }
  (profile.empty() ? tally.crashes : tally.profiles[profile]) = std::move(part);
  return {};
}

std::string Fixed(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

double CpuSeconds(const Tally& tally) {
  double sum = tally.crashes.cpu_s;
  for (const auto& [name, part] : tally.profiles) sum += part.cpu_s;
  return sum;
}

Json PartJson(const Tally::Part& part, bool crashes) {
  Json json;
  json["seeds"] = part.seeds;
  if (crashes) {
    json["crash_points"] = part.crash_points;
    json["scenarios"] = part.scenarios;
    json["variants"] = part.variants;
  } else {
    json["seeds_counted"] = part.seeds_counted;
    json["device_days"] = part.device_days;
    json["faults"] = part.faults;
    json["asked"] = part.asked;
  }
  json["checks"] = part.checks;
  json["violations"] = part.violations;
  json["cpu_s"] = part.cpu_s;
  return json;
}

std::string Line(const Tally::Counts& counts) {
  std::string text;
  for (const auto& [name, n] : counts) {
    if (n != 0) text += " " + name + " " + std::to_string(n);
  }
  return text;
}

}  // namespace

const Tally::Part& Tally::PartOf(std::string_view profile) const {
  static const Part kNone;
  if (profile.empty()) return crashes;
  const auto found = profiles.find(profile);
  return found == profiles.end() ? kNone : found->second;
}

std::uint64_t Tally::seeds_counted() const {
  std::uint64_t sum = 0;
  for (const auto& [name, part] : profiles) sum += part.seeds_counted;
  return sum;
}

std::uint64_t Tally::violations() const {
  std::uint64_t sum = crashes.violations;
  for (const auto& [name, part] : profiles) sum += part.violations;
  return sum;
}

std::vector<std::string> Tally::Missing() const {
  std::vector<std::string> missing;
  for (const Profile& profile : Profiles()) {
    const std::string name(profile.name);
    const Part& part = PartOf(name);
    if (part.seeds == 0) {
      missing.push_back(name + " has not run");
      continue;
    }
    const Expected expected = ExpectedOf(profile);
    for (int i = 1; i <= kInvariants; ++i) {
      const std::string invariant = "I" + std::to_string(i);
      if (!expected.exempt[static_cast<std::size_t>(i)].empty()) continue;
      if (Of(part.checks, invariant) == 0) missing.push_back(name + ": no check of " + invariant);
    }
    for (const std::string& kind : expected.faults) {
      if (Of(part.faults, kind) == 0) missing.push_back(name + ": no " + kind);
    }
    for (const std::string& kind : expected.asked) {
      if (Of(part.asked, kind) == 0) missing.push_back(name + ": nobody asked for " + kind);
    }
  }
  for (const Scenario& scenario : Scenarios()) {
    if (Of(crashes.scenarios, scenario.name) == 0) {
      missing.push_back("no crash point of " + std::string(scenario.name));
    }
  }
  return missing;
}

std::string BatchLine(const BatchOfSeeds& batch, std::string_view commit,
                      const std::string& result) {
  Json json;
  json["profile"] = batch.profile;
  json["first"] = batch.first;
  json["last"] = batch.last;
  json["commit"] = commit;
  json["result"] = Json::parse(result);
  return json.dump() + "\n";
}

Status AddBatch(Tally& tally, const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded()) return Invalid("a batch that is no JSON");
  try {
    return AddLine(tally, json);
  } catch (const Json::exception& error) {
    return Invalid(error.what());
  }
}

Result<Tally> ReadTally(const std::string& path) {
  Tally tally;
  std::ifstream file(path);
  std::string line;
  for (std::uint64_t number = 1; std::getline(file, line); ++number) {
    // The last write of a run that was cut has no end of line, or stands before the next run's.
    if (file.eof() || !Json::accept(line)) {
      tally.cut += line.empty() ? 0 : 1;
      continue;
    }
    if (const Status added = AddBatch(tally, line); !added) {
      return Invalid(path + ", line " + std::to_string(number) + ": " + added.error().text);
    }
  }
  if (file.bad()) return Unavailable("can't read " + path);
  return tally;
}

std::string ToJson(const Tally& tally) {
  Json json;
  json["seeds"] = tally.seeds_counted();
  json["crash_points"] = tally.crashes.crash_points;
  json["violations"] = tally.violations();
  json["cpu_s"] = CpuSeconds(tally);
  json["batches_cut"] = tally.cut;
  double days = 0;
  Json profiles = Json::object();
  for (const Profile& profile : Profiles()) {
    const Tally::Part& part = tally.PartOf(profile.name);
    days += part.device_days;
    Json each = PartJson(part, false);
    Json exempt = Json::object();
    const Expected expected = ExpectedOf(profile);
    for (std::size_t i = 1; i <= kInvariants; ++i) {
      if (!expected.exempt[i].empty()) exempt["I" + std::to_string(i)] = expected.exempt[i];
    }
    each["not_applicable"] = exempt;
    profiles[std::string(profile.name)] = each;
  }
  json["device_days"] = days;
  json["profiles"] = profiles;
  json["crashes"] = PartJson(tally.crashes, true);
  json["missing"] = tally.Missing();
  json["failures"] = Json::array();
  for (const std::string& failure : tally.failures) {
    json["failures"].push_back(Json::parse(failure));
  }
  return json.dump(1);
}

std::string ToText(const Tally& tally) {
  double days = 0;
  std::string text;
  for (const Profile& profile : Profiles()) {
    const Tally::Part& part = tally.PartOf(profile.name);
    days += part.device_days;
    text += std::string(profile.name) + ": " + std::to_string(part.seeds) + " seeds, " +
            std::to_string(part.seeds_counted) + " counted; " + Fixed(part.device_days, 2) +
            " device-days, " + std::to_string(part.violations) + " violations, " +
            Fixed(part.cpu_s, 1) + " s\n  checks:" + Line(part.checks) +
            "\n  faults:" + Line(part.faults) + "\n  asked:" + Line(part.asked) + "\n";
  }
  const Tally::Part& crashes = tally.crashes;
  text += "crash points: " + std::to_string(crashes.crash_points) + " of " +
          std::to_string(crashes.seeds) + " seeds, " + std::to_string(crashes.violations) +
          " violations, " + Fixed(crashes.cpu_s, 1) + " s\n  scenarios:" + Line(crashes.scenarios) +
          "\n  variants:" + Line(crashes.variants) + "\n  checks:" + Line(crashes.checks) + "\n";
  text += "\nnot applicable:\n";
  for (std::size_t i = 1; i <= kInvariants; ++i) {
    std::map<std::string_view, std::string> profiles;  // By reason.
    for (const Profile& profile : Profiles()) {
      const std::string_view why = ExpectedOf(profile).exempt[i];
      if (!why.empty()) profiles[why] += " " + std::string(profile.name);
    }
    for (const auto& [why, names] : profiles) {
      text += "  I" + std::to_string(i) + " in" + names + ": " + std::string(why) + "\n";
    }
  }
  for (const std::string& failure : tally.failures) text += "failed: " + failure + "\n";
  for (const std::string& missing : tally.Missing()) text += "missing: " + missing + "\n";
  if (tally.cut != 0) text += std::to_string(tally.cut) + " cut batches count as nothing\n";
  return text + std::to_string(tally.seeds_counted()) + " of " + std::to_string(kSeedsAim) +
         " seeds, " + std::to_string(crashes.crash_points) + " of " +
         std::to_string(kCrashPointsAim) + " crash points, " + Fixed(days, 2) + " device-days, " +
         std::to_string(tally.violations()) + " violations, " + Fixed(CpuSeconds(tally), 0) +
         " s of processor time\n";
}

}  // namespace edgetwin::sim
