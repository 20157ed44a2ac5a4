// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "pressure_driver.h"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/sdk/policy.h"
#include "drivers/sdk/poll_driver.h"
#include "drivers/sdk/sysfs/files.h"

namespace pressure {
namespace {

using edgetwin::ConfigReader;
using edgetwin::Corrupt;
using edgetwin::Result;
using edgetwin::Status;
namespace driver = edgetwin::driver;
namespace model = edgetwin::model;
namespace sysfs = edgetwin::sysfs;

// Of "some avg10=0.12 avg60=0.05 avg300=0.00 total=12345": the share of the last ten seconds, in
// percent, in which some task waited (the kernel's Documentation/accounting/psi.rst).
Result<double> SomeAvg10(std::string_view text) {
  constexpr std::string_view kBefore = "some avg10=";
  double share = 0;
  if (!text.starts_with(kBefore)) return Corrupt("it does not begin with 'some avg10='");
  text.remove_prefix(kBefore.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc() || share < 0 || share > 100) return Corrupt("avg10 is no percentage");
  return share;
}

class PressureDriver final : public driver::PollDriver {
 protected:
  void Configure(ConfigReader& config) override {
    thing_ = driver::ReadThing(config);
    root_ = config.String("root", "");
    rules_.Read(config);
  }

  Status Open(driver::SampleSink& sink) override {
    for (const char* const name : {"cpu", "memory", "io"}) {
      model::PropertyDef def;
      auto path = model::Path::Parse(thing_ + "/" + name);
      if (!path) return path.error();
      def.path = *path;
      def.type = model::ValueType::kDouble;
      def.unit = "%";
      def.decimals = 2;
      def.source = "/proc/pressure/" + std::string(name);
      rules_.Apply(name, def);
      const auto id = sink.Define(def);
      if (!id) return id.error();
      sources_.push_back({*id, sysfs::KeptFile(root_ + def.source)});
    }
    return {};
  }

  Status Poll(driver::SampleSink& sink) override {
    Status status;
    for (Source& source : sources_) {
      const auto text = source.file.Read(buffer_);
      const Result<double> share = text ? SomeAvg10(*text) : Result<double>(text.error());
      if (share) {
        sink.Report(source.id, model::Value(*share));
        continue;
      }
      sink.ReportBad(source.id);
      status =
          edgetwin::MakeError(share.error().code, source.file.path() + ": " + share.error().text);
    }
    return status;
  }

  void Close() override { sources_.clear(); }

 private:
  struct Source {
    model::PropertyId id;
    sysfs::KeptFile file;
  };

  std::string thing_;
  std::string root_;
  driver::PolicyRules rules_;
  sysfs::ReadBuffer buffer_;
  std::vector<Source> sources_;
};

}  // namespace

driver::DriverKind PressureKind() {
  return {.name = "pressure",
          .description = "how long tasks wait for processors, memory and disks",
          .make = [] { return std::unique_ptr<driver::Driver>(new PressureDriver); },
          .finds = true};
}

}  // namespace pressure
