-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT key, value FROM meta WHERE key BETWEEN 'withheld/' AND 'withheld0';
