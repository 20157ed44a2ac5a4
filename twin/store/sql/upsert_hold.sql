-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO hold (property, left_ms)
VALUES (?1, ?2);
