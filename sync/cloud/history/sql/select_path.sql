-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT id, span_max_ms FROM path WHERE device = ?1 AND path = ?2;
