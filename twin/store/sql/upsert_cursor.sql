-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO cursor (stream, watermark)
VALUES (?1, ?2);
