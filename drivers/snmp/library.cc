// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/library.h"

// Each needs the one before.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
// clang-format on

#include <array>

namespace edgetwin::snmp_driver {
namespace {

// RFC 3411, SnmpEngineID: net-snmp's enterprise, a text. Nobody asks us for it.
constexpr std::array<u_char, 13> kOwnEngine = {0x80, 0,   0x1f, 0x88, 4,   'e', 'd',
                                               'g',  'e', 't',  'w',  'i', 'n'};

// What init_snmp does, but for reading configurations and MIBs and registering their keywords, and
// for looking up this machine's name, which may block.
bool SetUp() {
  for (const int off :
       {NETSNMP_DS_LIB_DONT_READ_CONFIGS, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD,
        NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, NETSNMP_DS_LIB_DONT_PERSIST_STATE}) {
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, off, 1);
  }
  netsnmp_ds_set_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_APPTYPE, "edgetwin");
  // Without a handler, the library's messages go to stderr.
  netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
  netsnmp_session first;
  snmp_sess_init(&first);
  netsnmp_container_init_list();
  init_callbacks();
  snmp_init_statistics();
  init_snmpv3("edgetwin");
  set_exact_engineID(kOwnEngine.data(), kOwnEngine.size());
  snmp_call_callbacks(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_PREMIB_READ_CONFIG, nullptr);
  snmp_call_callbacks(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG, nullptr);
  return true;
}

// Never destroyed: threads that were left behind may end after main did.
std::mutex& Mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

}  // namespace

LibraryLock::LibraryLock(usmUser* user) : lock_(Mutex()), user_(user) {
  [[maybe_unused]] static const bool set_up = SetUp();
  if (user_ != nullptr) usm_add_user(user_);
}

LibraryLock::~LibraryLock() {
  if (user_ == nullptr) return;
  usm_remove_user(user_);
  user_->next = nullptr;
  user_->prev = nullptr;
}

}  // namespace edgetwin::snmp_driver
