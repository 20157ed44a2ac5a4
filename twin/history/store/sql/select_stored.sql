-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT path, sum(count), count(*), sum(length(bytes)) FROM block GROUP BY path;
