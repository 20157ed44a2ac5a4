// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "agent/api/text.h"
#include "agent/cli/examine.h"
#include "agent/cli/table.h"
#include "agent/doctor/doctor.h"

namespace edgetwin::cli {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Verdict;

Style StyleOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return Style::kGood;
    case Verdict::kNotice: return Style::kPlain;
    case Verdict::kWarning: return Style::kWarn;
    case Verdict::kFailed: return Style::kBad;
    case Verdict::kSkipped: return Style::kDim;
  }
  return Style::kPlain;
}

doctor::Answer AnswerOf(const Failure& failure) {
  if (failure.down) return doctor::Answer::kDown;
  return failure.exit == Exit::kPermission ? doctor::Answer::kForbidden : doctor::Answer::kSilent;
}

void Show(const Output& out, const Findings& findings) {
  Table table({"", "", ""}, 2);
  for (const Finding& finding : findings) {
    table.Add({{std::string(doctor::ToString(finding.verdict)), StyleOf(finding.verdict)},
               {finding.check, Style::kBold},
               finding.text});
    if (!finding.advice.empty()) table.Add({"", "", {"→ " + finding.advice, Style::kDim}});
  }
  table.Print(out);
}

std::string Summary(const Findings& findings) {
  const std::uint64_t failed = Number(findings, Verdict::kFailed);
  const std::uint64_t warned = Number(findings, Verdict::kWarning);
  const std::uint64_t skipped = Number(findings, Verdict::kSkipped);
  std::string text = failed + warned == 0 ? "nothing is wrong"
                                          : api::Count(failed, "check failed", "checks failed") +
                                                ", " + api::Count(warned, "warning", "warnings");
  if (skipped > 0) text += "; " + api::Count(skipped, "check was", "checks were") + " skipped";
  return text;
}

}  // namespace

Outcome<Examined> Examine(const Output& out, const DoctorArguments& arguments) {
  auto places = FindPlaces(arguments.config, false);
  if (!places) return tl::unexpected(std::move(places.error()));
  if (!arguments.socket.empty()) places->socket = arguments.socket;
  doctor::Patient patient;
  patient.config_file = arguments.config;
  if (!arguments.root.empty()) patient.root = arguments.root;
  patient.version = EDGETWIN_VERSION;
  patient.store = places->store;
  patient.history = places->history;
  if (auto status = Client(places->socket).Get("/v1/status")) {
    patient.answer = doctor::Answer::kGiven;
    patient.status = *std::move(status);
  } else {
    patient.answer = AnswerOf(status.error());
    patient.trouble = std::move(status.error().text);
  }
  Findings findings = doctor::Examine(patient, [&out](const std::string& doing) {
    if (out.terminal()) out.Say(doing);
  });
  return Examined{*std::move(places), std::move(findings)};
}

Done Doctor(const Output& out, const DoctorArguments& arguments) {
  const auto examined = Examine(out, arguments);
  if (!examined) return tl::unexpected(examined.error());
  const Findings& findings = examined->findings;
  const bool well = Number(findings, Verdict::kFailed) + Number(findings, Verdict::kWarning) == 0;
  if (out.json()) {
    out.Document(doctor::FindingsJson(findings));
  } else {
    Show(out, findings);
    out.Line();
    out.Line(out.Paint(Summary(findings), well ? Style::kGood : Style::kBad));
  }
  return well ? Exit::kOk : Exit::kProblems;
}

}  // namespace edgetwin::cli
