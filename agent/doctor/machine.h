// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The machine under the agent: clock, memory, wear of its flash, power supply.

#pragma once

#include <string>

#include "agent/doctor/finding.h"

namespace edgetwin::doctor {

// Whether the clock may be believed, and who keeps it (adjtimex(2); rtc(4) below `root`).
Findings ExamineClock(const std::string& root);
// Of proc(5)'s meminfo, MemAvailable: a twentieth of MemTotal must be left.
Findings ExamineMemory(const std::string& root);
// What eMMC cards say of their own life: EXT_CSD's DEVICE_LIFE_TIME_EST_TYP_A, _B and PRE_EOL_INFO
// (JEDEC JESD84-B51, 7.4.50 and following), as the kernel shows them in
// /sys/block/mmcblk*/device/{life_time,pre_eol_info}. Nothing where there is no such card.
Findings ExamineFlash(const std::string& root);
// Alarms of supply voltages that hwmon has: in*_lcrit_alarm, in*_min_alarm (a Raspberry Pi's
// rpi_volt among them). Nothing where there is none.
Findings ExaminePower(const std::string& root);

// All of them. `root`: "/", or a recorded tree.
Findings ExamineMachine(const std::string& root);

}  // namespace edgetwin::doctor
