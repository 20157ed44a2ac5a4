-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- The record that a new one may continue.
SELECT path, reason, exact, first, last, count, inc, from_ms, to_ms
FROM loss
WHERE path = ?1 AND reason = ?2 AND exact = ?3 AND first <= ?4
ORDER BY first DESC
LIMIT 1;
