-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT id, path FROM path WHERE device = ?1 ORDER BY path;
