-- What accounts decided about vendors, who has no advertisements, and what browsers reported as refused. Receipts stand
-- in the consent log.

CREATE TABLE account_choices (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    line TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE ad_free (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    wanted BOOLEAN NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    ends_at BIGINT
);

-- A count for each day, so that no report can be traced to a visit.
CREATE TABLE policy_reports (
    day TEXT NOT NULL,
    directive TEXT NOT NULL,
    host TEXT NOT NULL,
    page TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (day, directive, host, page)
);
