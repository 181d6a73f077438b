-- A licence for a territory that its buyer did not name is named once, afterwards: its certificate is issued anew, and the first
-- one stays as it is.
CREATE TABLE namings (
    licence_id TEXT PRIMARY KEY REFERENCES licences (id),
    territories TEXT NOT NULL,
    credential TEXT NOT NULL,
    at BIGINT NOT NULL
);
