-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT
  pid, property, withdraws, chain, path, type, unit, decimals, writable, min, max, description
FROM dictionary
WHERE twin = ?1
ORDER BY pid;
