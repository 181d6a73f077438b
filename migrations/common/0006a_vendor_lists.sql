-- The list in which the framework's vendors are declared, as its publisher sent it: the server fetches it in place of
-- browsers and keeps it as its headers say.
CREATE TABLE vendor_lists (
    address TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    fetched_at BIGINT NOT NULL,
    fresh_until BIGINT NOT NULL,
    etag TEXT,
    last_modified TEXT
);
