-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- Of one commit, some of those that it has.
SELECT block.id, block.after_ms, block.before_ms, batch.t_min_ms, batch.t_max_ms, block.bytes
FROM batch CROSS JOIN block ON block.id BETWEEN ?2 AND ?3
WHERE batch.n = ?1
ORDER BY block.id
LIMIT ?4;
