-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- inc 0: of any.
SELECT n
FROM event
WHERE twin = ?1 AND seq = ?2 AND (?3 = 0 OR inc = ?3)
ORDER BY n DESC
LIMIT 1;
