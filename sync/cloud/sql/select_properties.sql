-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT id, pid, path, type, unit, decimals, writable, min, max, description
FROM property
WHERE twin = ?1
ORDER BY id;
