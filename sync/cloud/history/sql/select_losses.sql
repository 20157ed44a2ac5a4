-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT here, reason, exact, inc, first, last, count, from_ms, to_ms
FROM loss WHERE path = ?1 ORDER BY first, here, reason;
