-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- Unless it has grown since.
UPDATE loss SET told = 1
WHERE path = ?1 AND reason = ?2 AND exact = ?3 AND first = ?4 AND last = ?5 AND count = ?6;
