// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// net-snmp's state that all sessions of the process share, and the one lock over it.
//
// Each instance has a session and a thread of its own. The single-session API (snmp_sess_*) keeps
// requests and sockets apart, but the library, as Debian builds it, has no locks: message numbers,
// statistics, salts, the clocks of engines and above all the list of users are globals. So
// whatever calls the library holds this lock, and nobody waits for a device while holding it: a
// thread waits in poll(2) without it. What is done under it (building and parsing a message) takes
// microseconds, so a silent agent delays no other one; passwords are stretched to keys, the one
// thing that takes longer, before it is taken.
//
// The library finds a user by name and engine, so two instances with the same user and different
// passwords, a changed password, or two devices that were delivered with the same engine's name
// would share keys. The list therefore holds only the user of whoever has the lock.

#pragma once

#include <mutex>

extern "C" {
struct usmUser;
}

namespace edgetwin::snmp_driver {

// Holds the lock. The first one sets the library up: no configuration and no MIB is read
// (/etc/snmp, ~/.snmp, /usr/share/snmp, $MIBS), nothing is stored (/var/lib/snmp), nothing is
// logged, no name is looked up.
class LibraryLock {
 public:
  // `user`: of the session that is used; may be null.
  explicit LibraryLock(usmUser* user = nullptr);
  ~LibraryLock();
  LibraryLock(const LibraryLock&) = delete;
  LibraryLock& operator=(const LibraryLock&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
  usmUser* const user_;
};

}  // namespace edgetwin::snmp_driver
