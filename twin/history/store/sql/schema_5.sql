-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- history.db, version 5. Bytes of a row may be a bundle of blocks of the commit: docs/HISTORY.md,
-- "The file". Its id and times are those of the first one; the others are of the same priority, and
-- come before the next row's in the order of path and first ordinal. Rows of version 4 stay.
