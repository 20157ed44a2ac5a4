-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- By a block that follows.
UPDATE loss
SET last = ?4, count = count + ?5, from_ms = min(from_ms, ?6), to_ms = max(to_ms, ?7)
WHERE path = ?1 AND here = 1 AND reason = ?2 AND exact = 1 AND inc = ?3 AND last = ?8;
