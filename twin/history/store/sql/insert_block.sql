-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO block (id, after_ms, before_ms, bytes) VALUES (?1, ?2, ?3, ?4);
