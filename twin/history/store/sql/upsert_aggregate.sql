-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- Gives whether it is a new row: one that was there has counted at least one sample more.
INSERT INTO aggregate (hour, path, count, numbers, min, mean, max)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (hour, path) DO UPDATE SET
  count = count + excluded.count,
  numbers = numbers + excluded.numbers,
  min = min(coalesce(min, excluded.min), coalesce(excluded.min, min)),
  mean = CASE
    WHEN excluded.numbers = 0 THEN mean
    WHEN numbers = 0 THEN excluded.mean
    ELSE mean * (1.0 * numbers / (numbers + excluded.numbers))
      + excluded.mean * (1.0 * excluded.numbers / (numbers + excluded.numbers))
  END,
  max = max(coalesce(max, excluded.max), coalesce(excluded.max, max))
RETURNING count = ?3;
