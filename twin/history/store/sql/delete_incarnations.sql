-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- Those of which nothing is left.
DELETE FROM incarnation WHERE n < ?1 AND n NOT IN (SELECT incarnation FROM batch);
