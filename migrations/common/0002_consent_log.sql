-- What visitors chose can be proved, by them and by us: a log to which is only ever added. Who may not be remembered is
-- forgotten by deleting a receipt; its leaf stays, and says nothing without it.

-- A leaf for each choice, counted from 1 without a gap. The place of leaf n in the tree is n - 1.
CREATE TABLE consent_log (
    seq BIGINT PRIMARY KEY CHECK (seq > 0),
    -- SHA-256 in hexadecimal, as everything below that is a hash.
    leaf TEXT NOT NULL UNIQUE,
    -- The hash of the chain so far and this leaf.
    chain TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- YYYY-MM-DD in UTC.
    day TEXT NOT NULL
);

-- The whole subtrees above the leaves, so that a proof reads a handful of rows. `place` numbers the nodes of the tree in
-- order: the node over leaves i·2^level to (i+1)·2^level - 1 has i·2^(level+1) + 2^level - 1.
CREATE TABLE consent_nodes (
    place BIGINT PRIMARY KEY,
    hash TEXT NOT NULL
);

-- The states of the log that were signed.
CREATE TABLE consent_heads (
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    chain_head TEXT NOT NULL,
    at BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    sig TEXT NOT NULL,
    PRIMARY KEY (size, at)
);

-- What was shown, word for word, under its hash.
CREATE TABLE consent_notices (
    hash TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    language TEXT NOT NULL,
    text TEXT NOT NULL
);

-- What a leaf stands for, as long as it is kept.
CREATE TABLE consent_receipts (
    id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL UNIQUE REFERENCES consent_log (seq),
    salt TEXT NOT NULL,
    body TEXT NOT NULL,
    -- Whose choice it was; nobody's, for those without an account. An account may be gone before its receipts.
    account TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX consent_receipts_by_account ON consent_receipts (account, seq);
CREATE INDEX consent_receipts_by_end ON consent_receipts (expires_at);
