// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What must be known before connecting and may block: the broker's addresses (getaddrinfo can take
// a minute) and the TLS files.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twin/base/loop.h"
#include "twin/base/result.h"
#include "twin/mqtt/broker_url.h"
#include "twin/mqtt/tls_context.h"

namespace edgetwin::mqtt {

struct Route {
  std::vector<std::string> addresses;  // Numeric, in the system's order of preference; never empty.
  std::shared_ptr<TlsContext> tls;     // None for mqtt://.
};

// One look-up on a thread of its own.
class Lookup {
 public:
  // `done` is called once, on the loop's thread, never from within the constructor; it may destroy
  // the Lookup.
  Lookup(Loop& loop, const BrokerUrl& url, const TlsFiles& files,
         std::function<void(Result<Route>)> done);
  // Prompt: a thread that is still blocked is left behind, with nothing of ours but what it shares
  // with nobody.
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

 private:
  struct Shared;
  void Start(const BrokerUrl& url, const TlsFiles& files);
  void Finish(Result<Route> route);

  Loop& loop_;
  std::function<void(Result<Route>)> done_;
  std::shared_ptr<Shared> shared_;
  Loop::Id watch_ = Loop::Id::kNone;
};

}  // namespace edgetwin::mqtt
