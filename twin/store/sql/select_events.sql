-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT inc, seq, time_ms, unsynced, severity, kind, property, type, value, text, command
FROM event
ORDER BY seq < 0, seq;
