// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/binding.h"

#include <array>

namespace edgetwin::snmp_driver {

std::string_view ToString(Syntax syntax) {
  switch (syntax) {
    case Syntax::kInteger: return "INTEGER";
    case Syntax::kUnsigned: return "Gauge32";
    case Syntax::kCounter32: return "Counter32";
    case Syntax::kCounter64: return "Counter64";
    case Syntax::kTimeTicks: return "TimeTicks";
    case Syntax::kOctets: return "OCTET STRING";
    case Syntax::kOid: return "OBJECT IDENTIFIER";
    case Syntax::kIpAddress: return "IpAddress";
    case Syntax::kOpaque: return "Opaque";
    case Syntax::kFloat: return "Opaque float";
    case Syntax::kDouble: return "Opaque double";
    case Syntax::kNull: return "NULL";
    case Syntax::kNoSuchObject: return "noSuchObject";
    case Syntax::kNoSuchInstance: return "noSuchInstance";
    case Syntax::kEndOfMibView: return "endOfMibView";
    case Syntax::kOther: break;
  }
  return "an unknown type";
}

std::string StatusName(int status) {
  static constexpr std::array<std::string_view, 19> kNames = {"noError",
                                                              "tooBig",
                                                              "noSuchName",
                                                              "badValue",
                                                              "readOnly",
                                                              "genErr",
                                                              "noAccess",
                                                              "wrongType",
                                                              "wrongLength",
                                                              "wrongEncoding",
                                                              "wrongValue",
                                                              "noCreation",
                                                              "inconsistentValue",
                                                              "resourceUnavailable",
                                                              "commitFailed",
                                                              "undoFailed",
                                                              "authorizationError",
                                                              "notWritable",
                                                              "inconsistentName"};
  if (status < 0 || static_cast<std::size_t>(status) >= kNames.size()) {
    return "error " + std::to_string(status);
  }
  return std::string(kNames.at(static_cast<std::size_t>(status)));
}

}  // namespace edgetwin::snmp_driver
