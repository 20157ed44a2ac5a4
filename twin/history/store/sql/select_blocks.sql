-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- Of one commit, the rows that may have blocks of ids from ?3 to ?4. ?2: the least id of the
-- commit's and priority's that ?3 is of; the last row before ?3 may have such blocks behind others.
SELECT block.id, block.after_ms, block.before_ms, batch.t_min_ms, batch.t_max_ms, block.bytes
FROM batch CROSS JOIN block
  ON block.id BETWEEN coalesce((SELECT max(id) FROM block WHERE id >= ?2 AND id < ?3), ?3) AND ?4
WHERE batch.n = ?1
ORDER BY block.id;
