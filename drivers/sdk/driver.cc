// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/driver.h"

namespace edgetwin::driver {

Status Driver::Write(model::PropertyId, const model::Value&, WriteDone) {
  return Unsupported("this driver writes nothing");
}

Status Driver::Read(model::PropertyId, ReadDone) {
  return Unsupported("this driver reads only by polling");
}

}  // namespace edgetwin::driver
