// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/discovering_driver.h"

#include <algorithm>
#include <set>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::driver {
namespace {

bool SameParts(const std::vector<BusPart>& a, const std::vector<BusPart>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const BusPart& x, const BusPart& y) {
    return x.name == y.name && x.period == y.period;
  });
}

bool SameProperties(const std::vector<BusProperty>& a, const std::vector<BusProperty>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const BusProperty& x, const BusProperty& y) {
                      return x.part == y.part && x.def == y.def;
                    });
}

bool SameBus(const FoundBus& a, const FoundBus& b) {
  return a.identity == b.identity && SameParts(a.options.parts, b.options.parts) &&
         SameProperties(a.options.properties, b.options.properties);
}

void AddUp(std::vector<LimitReport>& sums, const std::vector<LimitReport>& more) {
  for (const LimitReport& limit : more) {
    const auto sum = std::find_if(sums.begin(), sums.end(),
                                  [&](const LimitReport& s) { return s.name == limit.name; });
    if (sum == sums.end()) {
      sums.push_back(limit);
      continue;
    }
    sum->max += limit.max;
    sum->used += limit.used;
    sum->peak += limit.peak;
    sum->hits += limit.hits;
  }
}

}  // namespace

// Between the buses and the sink: a property that the sink refuses keeps none of its neighbours
// from being read.
class DiscoveringDriver::Gate final : public SampleSink {
 public:
  explicit Gate(SampleSink& sink) : sink_(&sink) {}

  Result<model::PropertyId> Define(model::PropertyDef def) override {
    std::string path = def.path.text();
    Result<model::PropertyId> id = sink_->Define(std::move(def));
    if (!id) {
      refused_[std::move(path)] = id.error();
      return model::kNoProperty;
    }
    refused_.erase(path);
    ids_[std::move(path)] = *id;
    return id;
  }
  void Report(model::PropertyId id, model::Value value, model::Quality quality) override {
    if (id != model::kNoProperty) sink_->Report(id, std::move(value), quality);
  }
  void ReportAt(model::PropertyId id, model::Sample sample) override {
    if (id != model::kNoProperty) sink_->ReportAt(id, std::move(sample));
  }
  void ReportBad(model::PropertyId id) override {
    if (id != model::kNoProperty) sink_->ReportBad(id);
  }
  void Remove(model::PropertyId id) override { sink_->Remove(id); }
  void Polled(std::string_view part, std::chrono::microseconds took,
              const Status& result) override {
    sink_->Polled(part, took, result);
  }
  bool wants_raw() const override { return sink_->wants_raw(); }
  void Raw(model::PropertyId id, std::string_view raw) override {
    if (id != model::kNoProperty) sink_->Raw(id, raw);
  }

  void RemoveAllBut(const std::set<std::string>& paths) {
    std::erase_if(refused_, [&](const auto& refusal) { return !paths.contains(refusal.first); });
    for (auto at = ids_.begin(); at != ids_.end();) {
      if (paths.contains(at->first)) {
        ++at;
        continue;
      }
      sink_->Remove(at->second);
      at = ids_.erase(at);
    }
  }
  // The first of the definitions that are refused.
  Status refusal() const {
    if (refused_.empty()) return {};
    return refused_.begin()->second;
  }

 private:
  SampleSink* sink_;
  std::map<std::string, model::PropertyId> ids_;
  std::map<std::string, Error> refused_;
};

class DiscoveringDriver::Reader final : public BlockingDriver {
 public:
  explicit Reader(FoundBus bus) : bus_(std::move(bus)) { BlockingDriver::Configure(bus_.options); }
  bool Init(ConfigReader&) override { return true; }
  const FoundBus& bus() const { return bus_; }

 protected:
  std::unique_ptr<BlockingBus> MakeBus() override { return bus_.make(); }

 private:
  const FoundBus bus_;
};

DiscoveringDriver::DiscoveringDriver() = default;

DiscoveringDriver::~DiscoveringDriver() {
  Stop();
}

bool DiscoveringDriver::Init(ConfigReader& config) {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  const std::size_t problems = config.problems().list().size();
  prefix_ = config.prefix();
  period_ = config.Duration("period", milliseconds(10'000), milliseconds(10), hours(24));
  rescan_ = config.Duration("rescan", milliseconds(10'000), milliseconds(1'000), hours(24));
  Configure(config);
  return config.problems().list().size() == problems;
}

Status DiscoveringDriver::Start(Loop& loop, SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  readers_.clear();
  loop_ = &loop;
  gate_ = std::make_unique<Gate>(sink);
  scan_failed_ = false;
  // From the loop, not from here: the owner may stop us for what the first scan tells it.
  timer_ = loop.After(std::chrono::microseconds(0), [this] { OnScan(); });
  return {};
}

void DiscoveringDriver::Stop() {
  if (loop_ == nullptr) return;
  loop_->Cancel(timer_);
  timer_ = Loop::Id::kNone;
  for (auto& [name, reader] : readers_) reader->Stop();
  loop_ = nullptr;
}

void DiscoveringDriver::OnScan() {
  timer_ = loop_->After(rescan_, [this] { OnScan(); });
  const MonoTime begin = loop_->Now();
  FoundBuses found = Scan();
  DropAllBut(found.buses);
  RemoveAllBut(found.buses);
  StartNew(std::move(found.buses));
  Status status = std::move(found.status);
  if (status) status = gate_->refusal();
  // One success after a failure says that it is over; the others would only thin out the polls.
  const bool tell = !status || scan_failed_;
  scan_failed_ = !status;
  if (tell) gate_->Polled("", loop_->Now() - begin, status);
}

void DiscoveringDriver::DropAllBut(const std::vector<FoundBus>& found) {
  std::erase_if(readers_, [&](const auto& entry) {
    const bool same = std::any_of(found.begin(), found.end(), [&](const FoundBus& bus) {
      return bus.options.name == entry.first && SameBus(bus, entry.second->bus());
    });
    if (!same) entry.second->Stop();
    return !same;
  });
}

void DiscoveringDriver::RemoveAllBut(const std::vector<FoundBus>& found) {
  std::set<std::string> paths;
  for (const FoundBus& bus : found) {
    for (const BusProperty& property : bus.options.properties) {
      paths.insert(property.def.path.text());
    }
  }
  gate_->RemoveAllBut(paths);
}

void DiscoveringDriver::StartNew(std::vector<FoundBus> found) {
  for (FoundBus& bus : found) {
    const std::string name = bus.options.name;
    if (bus.options.parts.empty() || readers_.contains(name)) continue;
    bus.options.name = prefix_ + "/" + name;  // Unique in the process, as BlockingDriver wants it.
    auto& reader = readers_[name];
    reader = std::make_unique<Reader>(std::move(bus));
    if (!reader->Start(*loop_, *gate_)) readers_.erase(name);  // The next scan tries again.
  }
}

Status DiscoveringDriver::Read(model::PropertyId id, ReadDone done) {
  if (loop_ == nullptr) return Unavailable("the driver is not started");
  for (auto& [name, reader] : readers_) {
    const Status status = reader->Read(id, done);
    if (status || status.error().code != ErrorCode::kNotFound) return status;
  }
  return NotFound("the driver has no such property");
}

std::vector<PartStatus> DiscoveringDriver::parts() const {
  std::vector<PartStatus> result;
  for (const auto& [name, reader] : readers_) {
    for (PartStatus& part : reader->parts()) result.push_back(std::move(part));
  }
  return result;
}

std::vector<LimitReport> DiscoveringDriver::limits() const {
  std::vector<LimitReport> result = {devices_limit_.Report("devices")};
  for (const auto& [name, reader] : readers_) AddUp(result, reader->limits());
  return result;
}

}  // namespace edgetwin::driver
