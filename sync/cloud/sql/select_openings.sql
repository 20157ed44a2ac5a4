-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT n, inc FROM opening ORDER BY n DESC LIMIT ?1;
