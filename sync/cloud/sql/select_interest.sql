-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT pattern FROM interest WHERE twin = ?1 ORDER BY n;
