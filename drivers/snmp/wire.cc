// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/wire.h"

// Each needs the one before.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
// clang-format on

#include <cstring>

#include "drivers/snmp/library.h"

namespace edgetwin::snmp_driver {
namespace {

std::vector<oid> ToLibrary(const Oid& ours) {
  return {ours.begin(), ours.end()};
}

netsnmp_pdu* MakePdu(int command) {
  const LibraryLock lock;
  return snmp_pdu_create(command);
}

Oid OidOf(const oid* parts, std::size_t count) {
  Oid ours;
  for (std::size_t i = 0; i < count; ++i) ours.push_back(static_cast<std::uint32_t>(parts[i]));
  return ours;
}

std::uint64_t Natural(const counter64& counter) {
  return (std::uint64_t{counter.high} << 32) | (counter.low & 0xffffffff);
}

// The library has checked val_len against the type, but for strings.
Data DataOf(const netsnmp_variable_list& variable) {
  const netsnmp_vardata& value = variable.val;
  const auto natural = [&](Syntax syntax) {
    return Data{syntax, std::uint64_t{static_cast<std::uint32_t>(*value.integer)}};
  };
  const auto bytes = [&](Syntax syntax) {
    return Data{syntax,
                variable.val_len == 0
                    ? std::string()
                    : std::string(reinterpret_cast<const char*>(value.string), variable.val_len)};
  };
  switch (variable.type) {
    case ASN_INTEGER: return {Syntax::kInteger, std::int64_t{*value.integer}};
    case ASN_GAUGE: return natural(Syntax::kUnsigned);
    case ASN_UINTEGER: return natural(Syntax::kUnsigned);
    case ASN_COUNTER: return natural(Syntax::kCounter32);
    case ASN_TIMETICKS: return natural(Syntax::kTimeTicks);
    case ASN_COUNTER64:
    case ASN_OPAQUE_COUNTER64:
    case ASN_OPAQUE_U64: return {Syntax::kCounter64, Natural(*value.counter64)};
    case ASN_OPAQUE_I64:
      return {Syntax::kInteger, static_cast<std::int64_t>(Natural(*value.counter64))};
    case ASN_OCTET_STR:
    case ASN_BIT_STR: return bytes(Syntax::kOctets);
    case ASN_IPADDRESS: return bytes(Syntax::kIpAddress);
    case ASN_OPAQUE: return bytes(Syntax::kOpaque);
    case ASN_OBJECT_ID: return {Syntax::kOid, OidOf(value.objid, variable.val_len / sizeof(oid))};
    case ASN_OPAQUE_FLOAT: return {Syntax::kFloat, double{*value.floatVal}};
    case ASN_OPAQUE_DOUBLE: return {Syntax::kDouble, *value.doubleVal};
    case ASN_NULL: return {Syntax::kNull, {}};
    case SNMP_NOSUCHOBJECT: return {Syntax::kNoSuchObject, {}};
    case SNMP_NOSUCHINSTANCE: return {Syntax::kNoSuchInstance, {}};
    case SNMP_ENDOFMIBVIEW: return {Syntax::kEndOfMibView, {}};
    default: return {Syntax::kOther, {}};
  }
}

template <class T>
void Add(netsnmp_pdu* pdu, const Oid& ours, u_char type, const T& value) {
  const std::vector<oid> name = ToLibrary(ours);
  snmp_pdu_add_variable(pdu, name.data(), name.size(), type, &value, sizeof value);
}

void AddBytes(netsnmp_pdu* pdu, const Oid& ours, u_char type, const void* bytes, std::size_t size) {
  const std::vector<oid> name = ToLibrary(ours);
  snmp_pdu_add_variable(pdu, name.data(), name.size(), type, bytes, size);
}

bool AddNatural(netsnmp_pdu* pdu, const Binding& binding, u_char type) {
  const std::uint64_t value = std::get<std::uint64_t>(binding.data.value);
  if (type == ASN_COUNTER64) {
    counter64 parts{};
    parts.high = static_cast<u_long>(value >> 32);
    parts.low = static_cast<u_long>(value & 0xffffffff);
    Add(pdu, binding.oid, type, parts);
  } else {
    Add(pdu, binding.oid, type, static_cast<long>(value));
  }
  return true;
}

bool AddData(netsnmp_pdu* pdu, const Binding& binding) {
  const auto& value = binding.data.value;
  switch (binding.data.syntax) {
    case Syntax::kInteger:
      Add(pdu, binding.oid, ASN_INTEGER, static_cast<long>(std::get<std::int64_t>(value)));
      return true;
    case Syntax::kUnsigned: return AddNatural(pdu, binding, ASN_UNSIGNED);
    case Syntax::kCounter32: return AddNatural(pdu, binding, ASN_COUNTER);
    case Syntax::kTimeTicks: return AddNatural(pdu, binding, ASN_TIMETICKS);
    case Syntax::kCounter64: return AddNatural(pdu, binding, ASN_COUNTER64);
    case Syntax::kOctets:
    case Syntax::kIpAddress: {
      const auto& bytes = std::get<std::string>(value);
      AddBytes(pdu, binding.oid,
               binding.data.syntax == Syntax::kOctets ? ASN_OCTET_STR : ASN_IPADDRESS, bytes.data(),
               bytes.size());
      return true;
    }
    case Syntax::kOid: {
      const std::vector<oid> parts = ToLibrary(std::get<Oid>(value));
      AddBytes(pdu, binding.oid, ASN_OBJECT_ID, parts.data(), parts.size() * sizeof(oid));
      return true;
    }
    case Syntax::kFloat:
      Add(pdu, binding.oid, ASN_OPAQUE_FLOAT, static_cast<float>(std::get<double>(value)));
      return true;
    case Syntax::kDouble:
      Add(pdu, binding.oid, ASN_OPAQUE_DOUBLE, std::get<double>(value));
      return true;
    default: return false;
  }
}

}  // namespace

snmp_pdu* MakeGet(const std::vector<Oid>& oids) {
  netsnmp_pdu* pdu = MakePdu(SNMP_MSG_GET);
  if (pdu == nullptr) return nullptr;
  for (const Oid& ours : oids) AddBytes(pdu, ours, ASN_NULL, nullptr, 0);
  return pdu;
}

snmp_pdu* MakeGetBulk(const Oid& after, int count_max) {
  netsnmp_pdu* pdu = MakePdu(SNMP_MSG_GETBULK);
  if (pdu == nullptr) return nullptr;
  pdu->non_repeaters = 0;
  pdu->max_repetitions = count_max;
  AddBytes(pdu, after, ASN_NULL, nullptr, 0);
  return pdu;
}

snmp_pdu* MakeSet(const Binding& binding) {
  netsnmp_pdu* pdu = MakePdu(SNMP_MSG_SET);
  if (pdu == nullptr || AddData(pdu, binding)) return pdu;
  const LibraryLock lock;
  snmp_free_pdu(pdu);
  return nullptr;
}

Answer AnswerOf(const snmp_pdu& pdu) {
  Answer answer;
  answer.status = static_cast<int>(pdu.errstat);
  answer.index = static_cast<int>(pdu.errindex);
  for (const netsnmp_variable_list* variable = pdu.variables; variable != nullptr;
       variable = variable->next_variable) {
    answer.bindings.push_back({OidOf(variable->name, variable->name_length), DataOf(*variable)});
  }
  return answer;
}

}  // namespace edgetwin::snmp_driver
