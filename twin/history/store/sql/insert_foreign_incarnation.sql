-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- One whose blocks were copied from another file: below all of this one's.
INSERT INTO incarnation (n, inc, opened_ms, window_samples, clean)
SELECT min(n, 0) - 1, ?1, 0, 0, 1 FROM (SELECT min(n) AS n FROM incarnation);
