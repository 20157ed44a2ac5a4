-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO held (path, inc, first, last) VALUES (?1, ?2, ?3, ?4);
