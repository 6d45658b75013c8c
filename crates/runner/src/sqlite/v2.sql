-- All of these follow from the ledger, and are made anew from it at any time.

CREATE TABLE fold (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    rest TEXT NOT NULL
) STRICT;

CREATE TABLE issues (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    hot INTEGER NOT NULL,
    state TEXT
) STRICT;

CREATE INDEX issues_hot ON issues (id) WHERE hot = 1;

CREATE TABLE live (attempt TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    n INTEGER PRIMARY KEY,
    issue TEXT NOT NULL,
    effect TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;

CREATE INDEX outbox_issue ON outbox (issue);

CREATE TABLE spending (slot INTEGER PRIMARY KEY, spent TEXT NOT NULL) STRICT;

CREATE TABLE moments (ms INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (ms, seq)) STRICT, WITHOUT ROWID;

CREATE TABLE about (issue INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (issue, seq)) STRICT, WITHOUT ROWID;

-- Not from the ledger: until when, in milliseconds, live attempts are not to be taken back. Lost with the file at no cost.
CREATE TABLE leases (attempt TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
