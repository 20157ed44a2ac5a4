-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR IGNORE INTO path (device, path, span_max_ms) VALUES (?1, ?2, 0);
