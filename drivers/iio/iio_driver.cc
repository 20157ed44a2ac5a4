// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/iio_driver.h"

#include <utility>

#include "drivers/iio/finder.h"
#include "drivers/iio/stamped_sink.h"

namespace edgetwin::iio {
namespace {

// The finder does the work; what captures have is given its times on the way to the twin.
class IioDriver final : public driver::Driver {
 public:
  ~IioDriver() override { Stop(); }

  bool Init(ConfigReader& config) override { return finder_.Init(config); }

  Status Start(Loop& loop, driver::SampleSink& sink) override {
    // A new one each time: a capture of before may still put into its own.
    tally_ = std::make_shared<CaptureTally>();
    sink_ = std::make_unique<StampedSink>(sink, loop.clock(), tally_->box);
    finder_.set_tally(tally_);
    return finder_.Start(loop, *sink_);
  }

  void Stop() override {
    finder_.Stop();
    if (sink_) sink_->Close();
  }

  Status Read(model::PropertyId id, driver::ReadDone done) override {
    return finder_.Read(id, std::move(done));
  }

  std::vector<driver::PartStatus> parts() const override { return finder_.parts(); }

  std::vector<LimitReport> limits() const override {
    std::vector<LimitReport> limits = finder_.limits();
    limits.push_back(finder_.captures_limit());
    if (tally_) {
      limits.push_back(tally_->scans.Report("buffered_scans"));
      limits.push_back(tally_->box.limit());
      limits.push_back(tally_->stamps.Report("refused_stamps"));
    }
    return limits;
  }

 private:
  Finder finder_;
  std::shared_ptr<CaptureTally> tally_;
  std::unique_ptr<StampedSink> sink_;
};

}  // namespace

driver::DriverKind IioKind() {
  return {"iio", "Industrial I/O: converters and sensors",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<IioDriver>(); }, true};
}

}  // namespace edgetwin::iio
