-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT path, priority, first, count, t_min_ms, t_max_ms, bytes
FROM block
WHERE batch = ?1 AND (priority, path, first) > (?2, ?3, ?4)
ORDER BY priority, path, first;
