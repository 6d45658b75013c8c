-- The beginning of the ledger, where it is not in it any more.

CREATE TABLE archives (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    hash TEXT NOT NULL,
    file TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    digest TEXT NOT NULL
) STRICT;

-- Each can be read without the rest of its file.
CREATE TABLE archive_parts (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    archive INTEGER NOT NULL REFERENCES archives (first),
    at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    digest TEXT NOT NULL
) STRICT;
