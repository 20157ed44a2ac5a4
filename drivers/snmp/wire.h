// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Between the library's messages and ours. Touches none of the library's shared state but its
// request numbers, which is why makers take the lock.

#pragma once

#include <vector>

#include "drivers/snmp/binding.h"

struct snmp_pdu;

namespace edgetwin::snmp_driver {

// Each is the caller's until it is sent; null without memory, and for what can't be set.
snmp_pdu* MakeGet(const std::vector<Oid>& oids);
snmp_pdu* MakeGetBulk(const Oid& after, int count_max);
snmp_pdu* MakeSet(const Binding& binding);

Answer AnswerOf(const snmp_pdu& pdu);

}  // namespace edgetwin::snmp_driver
