-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT path, max(last + 1) FROM loss GROUP BY path;
