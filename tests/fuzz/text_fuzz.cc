// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile text where people and programs write it: configuration (TOML), what is asked of the cloud
// (JSON), paths, addresses, cells of CSV files and times. The first byte chooses. None may crash;
// what is refused is refused with words.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/config/toml_loader.h"
#include "drivers/replay/csv.h"
#include "drivers/sdk/time_text.h"
#include "sync/cloud/command_request.h"
#include "sync/cloud/desired_patch.h"
#include "sync/link/mqtt_link.h"
#include "twin/base/check.h"
#include "twin/model/path.h"

namespace edgetwin {
namespace {

void Toml(std::string_view text) {
  ConfigProblems problems;
  const auto root = config::ParseToml(text, "fuzz.toml", problems);
  EDGETWIN_CHECK(root.has_value() || !problems.empty());
}

void Path(std::string_view text) {
  const auto path = model::Path::Parse(text);
  if (!path) {
    EDGETWIN_CHECK(!path.error().text.empty());
    return;
  }
  EDGETWIN_CHECK(path->text() == text);
}

void Patch(std::string_view text) {
  const model::Twin twin(model::Role::kCloud);
  const auto patch = cloud::ReadDesiredPatch(text, twin);
  EDGETWIN_CHECK(patch.has_value() || !patch.error().text.empty());
}

void Command(std::string_view text) {
  const model::Twin twin(model::Role::kCloud);
  const auto command = cloud::ReadCommand(text, twin, WallTime{});
  EDGETWIN_CHECK(command.has_value() || !command.error().detail.empty());
  cloud::ParseCommandId(text);
}

void Csv(std::string_view text) {
  replay::Cells cells;
  if (cells.Split(text, ';')) EDGETWIN_CHECK(cells.size() <= replay::Cells::kCellsMax);
}

}  // namespace
}  // namespace edgetwin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin;  // NOLINT: this file is about nothing else.
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0: Toml(text); break;
    case 1: Patch(text); break;
    case 2: Command(text); break;
    case 3: Path(text); break;
    case 4: (void)sync::ParseBrokerUrl(text); break;
    case 5: Csv(text); break;
    default:
      for (const auto format : {driver::TimeFormat::kSeconds, driver::TimeFormat::kAuto}) {
        (void)driver::ParseTime(text, format);
      }
  }
  return 0;
}
