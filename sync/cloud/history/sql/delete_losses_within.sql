-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

DELETE FROM loss
WHERE path = ?1 AND here = 0 AND reason = ?2 AND exact = ?3 AND first >= ?4 AND last <= ?5;
