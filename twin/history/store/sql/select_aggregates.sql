-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT hour, count, numbers, min, mean, max
FROM aggregate
WHERE hour BETWEEN ?1 AND ?2 AND path = ?3
ORDER BY hour;
