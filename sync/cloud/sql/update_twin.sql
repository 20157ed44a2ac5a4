-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE twin
SET seen_ms = max(seen_ms, ?2), head = max(head, ?3)
WHERE id = ?1;
