-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

DELETE FROM batch WHERE n = ?1 AND NOT EXISTS (SELECT 1 FROM block WHERE id BETWEEN ?2 AND ?3);
