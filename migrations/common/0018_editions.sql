-- Editions of a tier apart from its texts: two editions may differ in their price alone, and an earlier text may come back, so
-- a hash does not say which edition is on sale. `tier_versions` keeps every text under its hash, with the tier that first said
-- it; licences and order lines name it as before.
CREATE TABLE tier_editions (
    slug TEXT NOT NULL,
    number INTEGER NOT NULL,
    terms_hash TEXT NOT NULL REFERENCES tier_versions (terms_hash),
    tier TEXT NOT NULL,
    refund_days BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Since when it is not on sale: another edition took its place, or the settings hold the tier no more.
    ended_at BIGINT,
    PRIMARY KEY (slug, number)
);
CREATE UNIQUE INDEX tier_editions_on_sale ON tier_editions (slug) WHERE ended_at IS NULL;
CREATE INDEX tier_editions_by_text ON tier_editions (terms_hash);
INSERT INTO tier_editions (slug, number, terms_hash, tier, refund_days, created_at, ended_at)
SELECT v.slug, v.number, v.terms_hash, v.tier, 14, v.created_at,
    (SELECT MIN(n.created_at) FROM tier_versions n WHERE n.slug = v.slug AND n.number > v.number)
FROM tier_versions v;
