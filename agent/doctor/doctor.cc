// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/doctor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/api/text.h"
#include "agent/doctor/advice.h"
#include "agent/doctor/broker.h"
#include "agent/doctor/machine.h"
#include "agent/doctor/service.h"
#include "agent/doctor/storage.h"
#include "agent/runtime/driver_kinds.h"
#include "twin/base/clock.h"

namespace edgetwin::doctor {
namespace {

using api::At;
using api::Json;
using api::NumberAt;
using api::TextAt;

constexpr std::chrono::seconds kBrokersWait{20};

void Append(Findings& all, Findings more) {
  for (Finding& finding : more) all.push_back(std::move(finding));
}

Verdict VerdictOf(const std::string& severity) {
  if (severity == "error") return Verdict::kFailed;
  return severity == "notice" ? Verdict::kNotice : Verdict::kWarning;
}

std::optional<config::AgentConfig> ExamineConfiguration(const std::string& file,
                                                        Findings& findings) {
  ConfigProblems problems;
  auto config = config::LoadAgentConfig(file, runtime::DriverKinds().names(), problems,
                                        runtime::MakeDriverCheck());
  for (const ConfigProblem& problem : problems.list()) {
    findings.push_back({"configuration", Verdict::kFailed, problem.ToString(),
                        "Correct it; 'edgetwin config check' looks at it again."});
  }
  if (!config) return {};
  for (const ConfigProblem& warning : config->warnings) {
    findings.push_back({"configuration", Verdict::kWarning, warning.ToString(), ""});
  }
  findings.push_back(
      {"configuration", Verdict::kOk,
       file + ": " + api::Count(config->drivers.size(), "driver instance", "driver instances") +
           (config->cloud.enabled ? ", a cloud" : ", no cloud"),
       ""});
  return config;
}

void ExamineCertificates(const config::AgentConfig& config, Findings& findings) {
  const SystemClock clock;
  const auto now = clock.Wall();
  if (!now) return;  // Said as the clock's.
  const config::CloudConfig& cloud = config.cloud;
  if (!cloud.certificate_file.empty()) {
    Append(findings, ExamineCertificate("This device's certificate", cloud.certificate_file, *now));
  }
  if (!cloud.ca_file.empty()) {
    Append(findings, ExamineCertificate("The authority's certificate", cloud.ca_file, *now));
  }
}

}  // namespace

std::uint64_t Number(const Findings& findings, Verdict verdict) {
  return static_cast<std::uint64_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

Json FindingsJson(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"check", finding.check},
                    {"verdict", ToString(finding.verdict)},
                    {"text", finding.text},
                    {"advice", finding.advice.empty() ? Json(nullptr) : Json(finding.advice)}});
  }
  return {{"findings", std::move(list)},
          {"failed", Number(findings, Verdict::kFailed)},
          {"warnings", Number(findings, Verdict::kWarning)},
          {"skipped", Number(findings, Verdict::kSkipped)}};
}

Findings ExamineStatus(const Json& status, const std::string& version) {
  Findings findings;
  const std::string runs = TextAt(status, "version");
  findings.push_back({"daemon", Verdict::kOk,
                      "edgetwind " + runs + " has been up for " +
                          api::Span(std::chrono::milliseconds(NumberAt(status, "uptime_ms"))),
                      ""});
  if (runs != version) {
    findings.push_back({"daemon", Verdict::kWarning,
                        "It is version " + runs + ", and this program " + version,
                        "'systemctl restart edgetwind' starts the one that is installed."});
  }
  const auto problems = status.find("problems");
  if (problems != status.end() && problems->is_array()) {
    for (const Json& problem : *problems) {
      const std::string code = TextAt(problem, "code");
      findings.push_back({code, VerdictOf(TextAt(problem, "severity")), TextAt(problem, "text"),
                          std::string(AdviceFor(code))});
    }
  }
  const Json& sync = At(status, "sync");
  const std::string state = TextAt(sync, "state");
  if (state == "live") {
    const std::uint64_t backlog = NumberAt(status, "backlog_rows");
    findings.push_back(
        {"cloud", Verdict::kOk,
         "In session with the cloud at " + TextAt(At(status, "link"), "broker") +
             (backlog == 0 ? "; no change waits"
                           : "; " + api::Count(backlog, "row", "rows") + " on the way"),
         ""});
  } else if (state == "disabled") {
    findings.push_back(
        {"cloud", Verdict::kNotice, "None is configured; the agent works alone", ""});
  }
  const Json& drivers = At(status, "drivers");
  const Json& properties = At(status, "properties");
  const std::uint64_t running = NumberAt(drivers, "running");
  if (running > 0) {
    findings.push_back({"drivers", Verdict::kOk,
                        api::Count(running, "driver instance runs", "driver instances run") + ", " +
                            api::Grouped(NumberAt(properties, "good")) + " of " +
                            api::Count(NumberAt(properties, "total"), "property", "properties") +
                            " good",
                        ""});
  } else if (NumberAt(properties, "total") == 0) {
    findings.push_back({"drivers", Verdict::kWarning, "No driver runs: nothing is read",
                        "'edgetwin drivers scan' shows what this machine has, with a "
                        "configuration to begin with."});
  }
  return findings;
}

Findings Examine(const Patient& patient, const std::function<void(const std::string&)>& progress) {
  Findings all;
  const auto config = ExamineConfiguration(patient.config_file, all);
  Append(all, ExamineMachine(patient.root));
  StorePlaces places{patient.store, patient.history, 0, ""};
  if (config) {
    if (config->history.enabled) places.history_bytes_max = config->history.bytes_max;
    places.device = config->device.id;
  }
  Append(all, ExamineStorage(places, patient.answer != Answer::kDown));
  Append(all, ExamineService());
  if (config && config->cloud.enabled) ExamineCertificates(*config, all);
  switch (patient.answer) {
    case Answer::kGiven: Append(all, ExamineStatus(patient.status, patient.version)); return all;
    case Answer::kForbidden:
      all.push_back({"daemon", Verdict::kSkipped, patient.trouble,
                     "Ask again with sudo, or be put into the group edgetwin ('adduser NAME "
                     "edgetwin') and log in anew."});
      return all;
    case Answer::kSilent:
      all.push_back({"daemon", Verdict::kFailed, patient.trouble,
                     "'systemctl restart edgetwind'; and report it, with 'edgetwin bundle' from "
                     "before."});
      return all;
    case Answer::kDown: break;
  }
  all.push_back(
      {"daemon", Verdict::kFailed, patient.trouble, std::string(AdviceFor("daemon_down"))});
  if (config && config->cloud.enabled) {
    progress("trying to log in at the broker …");
    Append(all, ExamineBrokers(*config, kBrokersWait));
  }
  return all;
}

}  // namespace edgetwin::doctor
