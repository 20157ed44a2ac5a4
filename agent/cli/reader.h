// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Answers questions about the twin: asks the daemon or, when that is down, its store. Both give the
// same documents.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/api/view.h"
#include "agent/cli/client.h"
#include "agent/cli/places.h"

namespace edgetwin::cli {

class Reader {
 public:
  // `store_only`: doesn't ask the daemon. `say` tells the user that the daemon is down.
  Reader(const Client& client, Places places, bool store_only,
         std::function<void(const std::string&)> say);

  Outcome<Json> Status();
  Outcome<Json> Properties(const std::string& pattern);  // All pages.
  Outcome<Json> Property(const std::string& path);
  Outcome<Json> Why(const std::string& path);
  Outcome<Json> Sync();
  Outcome<Json> Events(std::uint64_t after, std::size_t limit);
  Outcome<Json> Alarms();

  // Whether answers come from the store.
  bool stored() const { return stored_ != nullptr; }

 private:
  struct Stored;
  using FromStore = std::function<Outcome<Json>(const Stored&)>;
  Outcome<Json> Ask(const std::string& target, const FromStore& from_store);
  Outcome<Json> AskStore(const FromStore& from_store, const std::string& why);
  Outcome<void> OpenStore(const std::string& why);

  const Client& client_;
  const Places places_;
  const bool store_only_;
  const std::function<void(const std::string&)> say_;
  std::shared_ptr<const Stored> stored_;
};

}  // namespace edgetwin::cli
