-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT id, path, inc, first, count, t_min_ms, t_max_ms, length(bytes)
FROM block WHERE t_max_ms < ?1 ORDER BY t_max_ms, id LIMIT ?2;
