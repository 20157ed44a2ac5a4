// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/advice.h"

#include <algorithm>
#include <array>

#include "agent/doctor/finding.h"

namespace edgetwin::doctor {
namespace {

struct Advice {
  std::string_view code;
  std::string_view text;
};

constexpr std::array kAdvice = {
    Advice{"alarm",
           "See 'edgetwin alarms', and say that you have seen it: 'edgetwin alarms ack "
           "PATH'."},
    Advice{"bad_quality", "'edgetwin why PATH' says what the driver met."},
    Advice{"clock_untrusted",
           "Set it ('timedatectl set-time'), or let it be set over the network. Until then "
           "certificates can't be judged, and samples have no time of their own."},
    Advice{
        "cloud_silent",
        "At the cloud: does edgetwin-cloud run, on this broker, and may it read 'et/+/u' there?"},
    Advice{"commit_failing",
           "Make room on the store's file system, or see in 'dmesg' what its medium has. The agent "
           "goes on by itself once it can store again."},
    Advice{"crash_quarantine",
           "Let the cloud want another value; a newer one is tried. 'edgetwin sync status' lists "
           "what is kept back. Please report it, with 'edgetwin bundle'."},
    Advice{"daemon_down", "Start it: 'systemctl start edgetwind'."},
    Advice{"desired_refused", "'edgetwin why PATH' says what refused the value, and why."},
    Advice{"device_ended", "None needed: a recording was played to its end."},
    Advice{"device_failing",
           "Look at the device's cable, power and address; 'edgetwin drivers' shows each one."},
    Advice{"device_open",
           "Look at the device's cable, power and address. It is tried again by itself."},
    Advice{"device_stuck",
           "Its bus hangs in the kernel: restart the agent; if it hangs again, the machine."},
    Advice{"driver_failed", "Correct its table in the configuration, then 'edgetwin reload'."},
    Advice{"driver_waiting", "Plug the device in; it is tried again by itself."},
    Advice{"fenced",
           "Another store has this device's place in the cloud. Which of the two is the right one? "
           "Its operator decides: 'edgetwin-cloud devices why' and 'unfence'."},
    Advice{"flash_budget_exceeded",
           "'edgetwin status --json' says by what, under 'flash'. A deadband or a longer "
           "min_period for the busiest properties saves most."},
    Advice{"history_failing",
           "Make room on the history's file system, or see in 'dmesg' what its medium has."},
    Advice{"history_quarantined",
           "'edgetwin history gaps' says what is missing. A medium that damages files should be "
           "replaced."},
    Advice{"limit_hit",
           "'edgetwin limits' shows all; what bit was refused, and nothing else lost."},
    Advice{"link_down",
           "The reason says which it is: name, route, certificate, password, access rules. Nothing "
           "is lost meanwhile."},
    Advice{"override", "None needed: it ends by itself, or by 'edgetwin release PATH'."},
    Advice{
        "store_hangs",
        "'dmesg' says what its medium has; a card that stalls so long is failing. systemd starts "
        "the agent again if it goes on."},
    Advice{"store_quarantined",
           "Values and desired values come again by themselves. A medium that damages files should "
           "be replaced."},
    Advice{"sync_trouble",
           "It is over if 'edgetwin sync status' shows all as acknowledged; else report it."},
};

}  // namespace

std::string_view AdviceFor(std::string_view problem_code) {
  const auto found = std::ranges::find(kAdvice, problem_code, &Advice::code);
  return found == kAdvice.end() ? std::string_view() : found->text;
}

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return "ok";
    case Verdict::kNotice: return "notice";
    case Verdict::kWarning: return "warning";
    case Verdict::kFailed: return "failed";
    case Verdict::kSkipped: return "skipped";
  }
  return "unknown";
}

}  // namespace edgetwin::doctor
