-- How the shop found its own banner when it looked at it as a visitor does: a row for each look, kept for a year.
CREATE TABLE self_checks (
    id TEXT PRIMARY KEY,
    began_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    -- A sentence a line; empty when everything held.
    faults TEXT NOT NULL,
    -- Whether the people who run the shop were written to about it.
    told BOOLEAN NOT NULL
);
CREATE INDEX self_checks_by_end ON self_checks (ended_at);
