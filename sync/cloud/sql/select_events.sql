-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT inc, seq, time_ms, unsynced, severity, kind, property, type, value, text, command
FROM event
WHERE twin = ?1 AND n < ?2
ORDER BY n DESC
LIMIT ?3;
