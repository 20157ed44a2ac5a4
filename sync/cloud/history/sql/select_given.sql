-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- Whether the opening was this file's, and had that commit.
SELECT 1
FROM opening AS o
WHERE o.inc = ?1 AND ?2 >= o.first_commit - 1
  AND ?2 < coalesce((SELECT min(first_commit) FROM opening WHERE n > o.n),
                    (SELECT commits + 1 FROM progress));
