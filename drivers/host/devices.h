// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The devices of one kind that a poll finds: new ones, ones it knows, and ones that are gone.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "twin/base/limit.h"

namespace edgetwin::host {

// By name, since numbers change when a device is plugged in again. Bounded: past kDevicesMax
// further names are left out and counted.
template <class Device>
class Devices {
 public:
  static constexpr std::uint64_t kDevicesMax = 1024;

  // The device of that name, present in this round; made by `make(name)` when it is new. Null past
  // the limit.
  template <class Make>
  Device* See(std::string_view name, Make&& make) {
    auto found = devices_.find(name);
    if (found == devices_.end()) {
      if (!limit_.Fits(devices_.size() + 1)) {
        limit_.Hit();
        return nullptr;
      }
      found = devices_.emplace(std::string(name), Entry{make(name), 0}).first;
      limit_.Use(devices_.size());
    }
    found->second.round = round_;
    return &found->second.device;
  }

  // Ends a round: `gone(device)` for each that was not seen in it, which is then forgotten.
  template <class Gone>
  void Sweep(Gone&& gone) {
    for (auto at = devices_.begin(); at != devices_.end();) {
      if (at->second.round == round_) {
        ++at;
        continue;
      }
      gone(at->second.device);
      at = devices_.erase(at);
    }
    limit_.Use(devices_.size());
    ++round_;
  }

  template <class Each>
  void ForEach(Each&& each) {
    for (auto& [name, entry] : devices_) each(entry.device);
  }

  LimitReport Report(std::string name) const { return limit_.Report(std::move(name)); }

 private:
  struct Entry {
    Device device;
    std::uint64_t round;
  };
  std::map<std::string, Entry, std::less<>> devices_;
  std::uint64_t round_ = 1;
  Limit limit_{kDevicesMax};
};

}  // namespace edgetwin::host
