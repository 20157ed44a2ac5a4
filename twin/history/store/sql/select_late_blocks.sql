-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT id, after_ms, before_ms, bytes FROM block WHERE id >= ?1 ORDER BY id;
