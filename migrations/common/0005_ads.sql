-- Advertisements of our own: what is shown, how often on each day, what people wish of them, and who gave whom none.

-- Topics, pages, about and audience are words joined by commas.
CREATE TABLE ad_campaigns (
    id TEXT NOT NULL PRIMARY KEY,
    advertiser TEXT NOT NULL,
    headline TEXT NOT NULL,
    words TEXT NOT NULL,
    target TEXT NOT NULL,
    topics TEXT NOT NULL,
    pages TEXT NOT NULL,
    about TEXT NOT NULL,
    audience TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT,
    most_a_day INTEGER CHECK (most_a_day > 0),
    most_shown BIGINT CHECK (most_shown > 0)
);

CREATE TABLE ad_campaign_events (
    id @ID@,
    campaign_id TEXT NOT NULL REFERENCES ad_campaigns (id),
    kind TEXT NOT NULL CHECK (kind IN ('made', 'changed', 'ended')),
    by_user TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX ad_campaign_events_by_campaign ON ad_campaign_events (campaign_id);

-- The ledger: a count for each campaign and day. There is no place in it for a visitor.
CREATE TABLE ad_days (
    campaign_id TEXT NOT NULL REFERENCES ad_campaigns (id),
    day TEXT NOT NULL,
    shown BIGINT NOT NULL,
    followed BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, day)
);

-- What an account wishes of advertisements, as one line that only the room of advertisements reads.
CREATE TABLE ad_wishes (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    line TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Who gave or took back an entitlement to no advertisements, and when; the entitlement itself is in ad_free.
CREATE TABLE ad_free_events (
    id @ID@,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('granted', 'ended')),
    ends_at BIGINT,
    by_user TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX ad_free_events_by_user ON ad_free_events (user_id);

-- Pages that appeal to children, as a reviewer found: the newest row of a page counts.
CREATE TABLE child_pages (
    id @ID@,
    path TEXT NOT NULL,
    marked BOOLEAN NOT NULL,
    by_user TEXT NOT NULL,
    at BIGINT NOT NULL
);
