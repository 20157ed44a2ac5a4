-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE path SET span_max_ms = ?2 WHERE id = ?1 AND span_max_ms < ?2;
