// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For the tests under the thread sanitizer.

// libmosquitto 2.0.11 unlocks a mutex that it doesn't hold when an MQTT 5 broker sends DISCONNECT
// (do_client_disconnect, called from handle__disconnect). glibc's mutexes bear it.
extern "C" const char* __tsan_default_suppressions();  // NOLINT: the sanitizer's name.
extern "C" const char* __tsan_default_suppressions() {
  return "mutex:libmosquitto.so.1\n";
}
