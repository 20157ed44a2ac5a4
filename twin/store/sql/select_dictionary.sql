-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT
  pid, property, withdraws, chain, path, type, unit, decimals, writable, local_only, min, max,
  deadband, min_period_ms, heartbeat_ms, alarm_high, alarm_low, alarm_hysteresis, alarm_delay_ms,
  description, instance, source
FROM dictionary
ORDER BY pid;
