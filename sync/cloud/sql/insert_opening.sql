-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO opening (n, inc, opened_ms)
VALUES (?1, ?2, ?3);
