// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Who is let in: I7 and I8 of Hellos and Welcomes.

#include <algorithm>
#include <utility>

#include "tests/sim/invariants.h"

namespace edgetwin::sim {

void Invariants::CheckWelcome(const CloudView& from, const sync::Welcome& welcome) {
  Promise& promise = promises_[std::string(from.device)];
  promise.checked = {};
  promise.desired_checked = 0;
  Expect(6, welcome.epoch == from.ledger.epoch(), [&] {
    return std::string(from.device) + ": epoch " + std::to_string(welcome.epoch.counter) +
           " is told before it is durable";
  });
  const auto device = heard_.find(from.device);
  if (device == heard_.end()) return;
  const auto hearing = device->second.find({welcome.session, welcome.to});
  if (hearing == device->second.end()) return;
  const std::size_t machine = hearing->second.machine;
  CheckStanding(from.device, hearing->second);
  auto& admitted = admitted_[std::string(from.device)].by_epoch;
  const auto incumbent = admitted.find(hearing->second.epoch.token);
  // A copy that nobody can tell from the original's next start continues it.
  const auto continues = [&](const Admitted& before) {
    return std::ranges::any_of(hearing->second.lineage, [&](const model::Incarnation& entry) {
      return entry.inc == before.inc;
    });
  };
  const bool other = incumbent != admitted.end() && !continues(incumbent->second);
  if (hearing->second.stale && other) {
    Expect(7, welcome.epoch.counter > hearing->second.epoch.counter, [&] {
      return std::string(from.device) + ": machine " + std::to_string(machine) +
             " is welcomed with a stale epoch, and " + std::to_string(welcome.epoch.counter) +
             " is not a new one";
    });
  }
  const Admitted now{machine, hearing->second.lineage.back().inc};
  const auto [known, first] = admitted.emplace(welcome.epoch.token, now);
  Expect(8, first || continues(known->second), [&] {
    return std::string(from.device) + ": machines " + std::to_string(known->second.machine) +
           " and " + std::to_string(machine) + " are two branches in epoch " +
           std::to_string(welcome.epoch.counter);
  });
  if (incumbent != admitted.end() && incumbent->second.machine != machine && undisturbed_ &&
      !hearing->second.let_in) {
    Expect(8, !undisturbed_(incumbent->second.machine), [&] {
      return std::string(from.device) + ": machine " + std::to_string(machine) +
             " takes over from " + std::to_string(incumbent->second.machine) + ", which is there";
    });
  }
  known->second = now;
}

// What P-4.5 and P-7.8 keep out, unless an operator lets it in.
void Invariants::CheckStanding(std::string_view device, const Hearing& hearing) {
  Admission& admission = admitted_[std::string(device)];
  const model::Lineage& lineage = hearing.lineage;
  const auto holds = [&lineage](std::uint64_t inc) {
    return std::ranges::count(lineage, inc, &model::Incarnation::inc) != 0;
  };
  const auto operators = operators_.find(device);
  const bool let_in = operators != operators_.end();
  const auto who = [&] {
    return std::string(device) + ": machine " + std::to_string(hearing.machine);
  };
  // Who waited may hold the opening that was let in meanwhile.
  const bool holds_newest = admission.last.empty() || holds(admission.last.back().inc);
  Expect(7, !hearing.outdated || let_in || holds_newest,
         [&] { return who() + " is welcomed with an epoch that is over"; });
  const auto back = std::ranges::find_if(admission.given_up, holds);
  Expect(8, back == admission.given_up.end() || let_in, [&] {
    return who() + " is welcomed, whose branch was given up when an older copy took over";
  });
  const bool same = !admission.last.empty() && admission.last.back().inc == lineage.back().inc;
  if (let_in && !same) operators_.erase(operators);
  if (!holds_newest) {
    for (const model::Incarnation& entry : admission.last) {
      if (!holds(entry.inc)) admission.given_up.insert(entry.inc);
    }
  }
  std::erase_if(admission.given_up, holds);
  admission.last = lineage;
}

void Invariants::CloudHears(const CloudView& at, const sync::Hello& hello, std::size_t machine) {
  Hearing hearing;
  hearing.machine = machine;
  hearing.lineage = hello.lineage;
  hearing.epoch = at.ledger.epoch();
  hearing.stale = hello.epoch.counter != 0 && hello.epoch.counter <= hearing.epoch.counter &&
                  !(hello.epoch == hearing.epoch);
  const model::Lineage& newest = at.ledger.peer_lineage();
  const bool holds_newest = newest.empty() || std::ranges::count(hello.lineage, newest.back().inc,
                                                                 &model::Incarnation::inc) != 0;
  const bool outdated = hearing.stale && !holds_newest;
  const bool let_in = at.session.status().admission != model::Admission::kNormal;
  if (let_in) operators_.emplace(at.device);
  auto& sessions = heard_[std::string(at.device)];
  // Repeated Hellos of a session: the first one counts.
  Hearing& first =
      sessions.try_emplace({hello.session, hello.lineage.back().inc}, std::move(hearing))
          .first->second;
  first.outdated = outdated;
  first.let_in = first.let_in || let_in;
}

}  // namespace edgetwin::sim
