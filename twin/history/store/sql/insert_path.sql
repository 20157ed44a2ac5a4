-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO path (id, path, next, live) VALUES (?1, ?2, 0, 1);
