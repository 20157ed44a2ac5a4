// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/flash_account.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cstdint>
#include <numeric>
#include <string>

#include "tests/bench/measure.h"
#include "twin/base/check.h"

namespace edgetwin::bench {

FlashAccount::FlashAccount() {
  EDGETWIN_CHECK(sqlite3_vfs_register(sqlite3_vfs_find(meter_.vfs().c_str()), 1) == SQLITE_OK);
}

FlashAccount::~FlashAccount() = default;

nlohmann::json FlashAccount::Now() const {
  const store::WrittenBytes bytes = meter_.bytes();
  return {{"kernel", Measure(getpid()).write_bytes},
          {"vfs", std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0})},
          {"vfs_database", bytes[static_cast<std::size_t>(store::WriteCause::kCheckpoint)]}};
}

nlohmann::json ByCause(const store::WrittenBytes& written) {
  nlohmann::json json;
  for (std::size_t i = 0; i < written.size(); ++i) {
    json[std::string(ToString(static_cast<store::WriteCause>(i)))] = written[i];
  }
  return json;
}

}  // namespace edgetwin::bench
