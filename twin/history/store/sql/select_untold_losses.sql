-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT path, reason, exact, first, last, count, inc, from_ms, to_ms
FROM loss
WHERE told = 0
ORDER BY path, first;
