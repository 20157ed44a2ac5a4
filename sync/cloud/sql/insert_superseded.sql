-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO superseded (twin, n, inc)
VALUES (?1, ?2, ?3);
