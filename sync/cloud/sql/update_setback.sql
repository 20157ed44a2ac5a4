-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE twin
SET setback_floor = ?2, setback_epoch = ?3
WHERE id = ?1;
