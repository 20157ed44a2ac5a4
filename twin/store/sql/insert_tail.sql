-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO tail (n, body)
VALUES (?1, ?2);
