-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT coalesce(sum(count), 0), count(*), coalesce(sum(length(bytes)), 0)
FROM block WHERE path = ?1;
