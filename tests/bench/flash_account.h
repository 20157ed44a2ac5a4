// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What this process has had written: by the kernel's count, and by what SQLite handed to its file
// layer.

#pragma once

#include <nlohmann/json.hpp>

#include "twin/store/flash_meter.h"

namespace edgetwin::bench {

// While it lives, SQLite's default layer counts; stores' own meters come to lie above. One at a
// time, and every database is closed before it goes.
class FlashAccount {
 public:
  FlashAccount();
  ~FlashAccount();
  FlashAccount(const FlashAccount&) = delete;
  FlashAccount& operator=(const FlashAccount&) = delete;

  // {"kernel", "vfs", "vfs_database": of "vfs", what did not go into a WAL}, all since the start.
  nlohmann::json Now() const;

 private:
  store::FlashMeter meter_;
};

nlohmann::json ByCause(const store::WrittenBytes& written);

}  // namespace edgetwin::bench
