-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE twin
SET admission = ?2
WHERE id = ?1;
