// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Exchanges with one agent over UDP, by net-snmp's single-session API. Blocks.

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "drivers/snmp/binding.h"
#include "drivers/snmp/snmp_options.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"

struct snmp_pdu;
struct snmp_session;
extern "C" {
struct usmUser;
}

namespace edgetwin::snmp_driver {

// Why an exchange gave nothing.
struct Failure {
  Error error;
  // Somebody answered, but not with what was asked for, or nobody was asked: says nothing against
  // asking again with the next poll.
  bool answered = false;
};

template <class T>
using Outcome = tl::expected<T, Failure>;

// What one exchange may take, all tries together.
std::chrono::milliseconds ExchangeTime(const AgentOptions& agent);

// Unless said otherwise: one thread. Deadlines are of SystemClock. An exchange that fails closes
// the session, so that its late answer finds nobody; no text holds a secret.
class Session {
 public:
  explicit Session(AgentOptions agent);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool open() const { return handle_ != nullptr; }
  // Looks the host up, reads the secrets, and with version 3 asks the agent for its engine: one
  // exchange.
  Outcome<void> Open(MonoTime deadline);

  // The session must be open. Get and Set answer with as many bindings as were asked for, or with
  // a status.
  Outcome<Answer> Get(const std::vector<Oid>& oids, MonoTime deadline);
  Outcome<Answer> GetBulk(const Oid& after, int count_max, MonoTime deadline);
  // Sent once, whatever `retries` says; but again when the agent says that it hasn't taken it,
  // since its clock has changed.
  Outcome<Answer> Set(const Binding& binding, MonoTime deadline);

  // Any thread: ends a running exchange with an error, and every later one. Doesn't block.
  void Interrupt() const;

 private:
  struct Waiting;

  Outcome<void> Prepare(snmp_session& session, std::string& community);
  Outcome<void> OpenSocket(snmp_session& session);
  Outcome<void> AskEngine(MonoTime deadline);
  Outcome<void> MakeUser();
  Outcome<Answer> Exchange(snmp_pdu* pdu, int tries, MonoTime deadline);
  // False: an error of the socket.
  bool Receive(Waiting& waiting);
  Failure FailureOf(const Waiting& waiting, int tries) const;
  void Close();
  std::string Place() const;  // "192.168.1.40:161".

  const SystemClock clock_;
  const AgentOptions agent_;
  const int wake_;  // An event descriptor.
  void* handle_ = nullptr;
  int socket_ = -1;          // The handle's.
  usmUser* user_ = nullptr;  // Ours; see library.h.
  std::size_t opened_ = 0;   // Times: a host's addresses take turns.
};

}  // namespace edgetwin::snmp_driver
