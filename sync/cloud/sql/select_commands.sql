-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT id, inc, seq, epoch, name, path, type, value, expires_ms, who, state, result
FROM command
WHERE twin = ?1
ORDER BY seq < 0, seq, id;
