-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT path, first, count, bytes FROM block;
