// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// An instance's properties: which there are, how each stands, and what of it the sink is told.
// SINGLE-THREADED, on the loop's thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drivers/mqtt/mqtt_options.h"
#include "drivers/sdk/driver.h"
#include "twin/base/limit.h"
#include "twin/base/loop.h"

namespace edgetwin::mqtt_driver {

// The sink may stop whom it hears from, and even start them again. So what tells it something
// returns whether the same start is still going on; if not, the caller leaves everything as it is.
class Channels {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Channel {
    const PropertyOptions* options = nullptr;
    std::size_t origin = kNone;  // None: it is only written.
    model::PropertyId id = model::kNoProperty;
    enum class Standing {
      kUnknown,  // Nothing was told yet.
      kGood,
      kUncertain,
      kBad,
      kAway,  // Bad since the broker is away, and neither before.
    };
    Standing standing = Standing::kUnknown;
    model::Sample last;  // Its value is none when there was none yet.
  };
  // The topics with the same names of one source: those of one device, mostly.
  struct Origin {
    std::size_t source = 0;
    Captures captures;
    std::vector<std::size_t> channels;  // In the order of the source's properties.
    MonoTime heard{};                   // Or, when nothing was heard, since when it is waited for.
    bool silent = false;                // For longer than stale_after, which was told.
  };

  // `options` must outlive it. `silent` is called when an origin is, with the source's index.
  Channels(const MqttOptions& options, std::function<void(std::size_t source, const Error&)> silent)
      : options_(options), silent_(std::move(silent)) {}

  // Defines what needs no message for that.
  Status Start(Loop& loop, driver::SampleSink& sink);
  void Stop();

  // Defines its properties when it is new. kExhausted: there are too many.
  Result<std::size_t> OriginOf(std::size_t source, const Captures& captures);
  // Nothing when no message came from there yet.
  std::optional<std::size_t> FindOrigin(std::size_t source, const Captures& captures) const;
  const std::vector<Origin>& origins() const { return origins_; }
  const Channel& channel(std::size_t index) const { return channels_[index]; }
  std::optional<std::size_t> Find(model::PropertyId id) const;

  // A message came from there.
  void Heard(std::size_t origin);
  // `time`: when it was sampled, if the message says it and it can be.
  [[nodiscard]] bool Report(std::size_t channel, model::Value value, std::optional<WallTime> time,
                            bool doubtful);
  [[nodiscard]] bool ReportBad(std::size_t channel);
  // What was last known is doubtful now.
  [[nodiscard]] bool Doubt(std::size_t origin);
  [[nodiscard]] bool AllBad(std::size_t origin);
  // The broker went, and came back: what happened meanwhile is not known.
  [[nodiscard]] bool BrokerIsAway();
  [[nodiscard]] bool BrokerIsBack();

  // Whether a sample of then is newer than what is known.
  bool IsNews(std::size_t channel, WallTime time) const;

  std::vector<LimitReport> limits() const;

 private:
  Status Define(std::size_t origin, const PropertyOptions& property,
                const std::vector<std::string>& names, const Captures& captures);
  model::Sample SampleOf(model::Value value, std::optional<WallTime> time);
  bool Repeat(std::size_t channel);
  void ArmStale();
  void OnStale();

  const MqttOptions& options_;
  const std::function<void(std::size_t, const Error&)> silent_;
  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  std::uint64_t generation_ = 0;  // Of Start and Stop.
  std::vector<Channel> channels_;
  std::vector<Origin> origins_;
  std::map<std::pair<std::size_t, Captures>, std::size_t> by_captures_;
  std::map<model::PropertyId, std::size_t> by_id_;
  std::set<std::string> paths_;
  Loop::Id stale_timer_ = Loop::Id::kNone;
  Limit properties_limit_{kPropertiesMax};
  std::uint64_t times_refused_ = 0;
};

}  // namespace edgetwin::mqtt_driver
