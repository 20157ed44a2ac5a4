-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT hour, path, count, numbers, min, mean, max FROM aggregate ORDER BY hour, path;
