-- What partners of advertising report of themselves: counts of a day and a placement, with nobody behind them.
CREATE TABLE partner_days (
    vendor TEXT NOT NULL,
    day TEXT NOT NULL,
    placement TEXT NOT NULL,
    impressions BIGINT NOT NULL CHECK (impressions >= 0),
    clicks BIGINT NOT NULL CHECK (clicks >= 0),
    revenue_cents BIGINT NOT NULL CHECK (revenue_cents >= 0),
    filed_by TEXT NOT NULL,
    filed_at BIGINT NOT NULL,
    PRIMARY KEY (vendor, day, placement)
);
CREATE INDEX partner_days_by_day ON partner_days (day);
