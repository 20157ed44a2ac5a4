// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/conversion.h"

namespace edgetwin::iio {
namespace {

std::optional<sysfs::KeptFile> KeptIf(const std::string& path) {
  if (path.empty()) return std::nullopt;
  return sysfs::KeptFile(path);
}

Result<double> ReadOr(std::optional<sysfs::KeptFile>& file, sysfs::ReadBuffer& buffer,
                      double otherwise) {
  if (!file) return otherwise;
  return sysfs::ReadNumber(*file, buffer);
}

}  // namespace

Conversion::Conversion(const std::string& offset, const std::string& scale, double factor)
    : offset_(KeptIf(offset)), scale_(KeptIf(scale)), factor_(factor) {}

Result<Line> Conversion::Read(sysfs::ReadBuffer& buffer) {
  const Result<double> offset = ReadOr(offset_, buffer, 0);
  if (!offset) return offset.error();
  const Result<double> scale = ReadOr(scale_, buffer, 1);
  if (!scale) return scale.error();
  return Line{*offset, *scale * factor_};
}

}  // namespace edgetwin::iio
