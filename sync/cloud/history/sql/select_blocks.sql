-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT inc, first, count, t_min_ms, t_max_ms, bytes
FROM block
WHERE path = ?1 AND t_min_ms BETWEEN ?2 AND ?3 AND t_max_ms >= ?4
ORDER BY t_min_ms, id;
