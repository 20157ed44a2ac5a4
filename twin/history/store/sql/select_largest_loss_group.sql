-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT path, reason, exact, count(*) AS records
FROM loss
GROUP BY path, reason, exact
ORDER BY records DESC, path, reason, exact
LIMIT 1;
