-- That a provider is asked something about somebody who goes there of their own choice: whether the owner of a resting account
-- is of age, or whether a guardian is who they say. What it found out is in no row here. A row goes as soon as the provider
-- has forgotten; it is told to at the latest after a day.
CREATE TABLE provider_checks (
    id TEXT PRIMARY KEY,
    about TEXT NOT NULL CHECK (about IN ('adulthood', 'identity')),
    -- Whose it is. Both empty once those are gone, while the provider has not forgotten yet.
    account TEXT REFERENCES users (id) ON DELETE SET NULL,
    ward TEXT REFERENCES wards (id) ON DELETE SET NULL,
    -- How a guardian wants to be proved.
    method TEXT CHECK (method IN ('gov_id_db', 'kba', 'face_match')),
    -- What the provider knows it by, and the address of its page.
    provider_ref TEXT NOT NULL,
    address TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    -- Nothing more is asked about it; the provider is to forget.
    ended_at BIGINT,
    UNIQUE (about, provider_ref)
);
CREATE INDEX provider_checks_by_account ON provider_checks (account);
CREATE INDEX provider_checks_by_ward ON provider_checks (ward);

INSERT INTO provider_checks (id, about, account, provider_ref, address, asked_at, ended_at)
    SELECT id, 'adulthood', account, provider_ref, address, asked_at, ended_at FROM age_checks;
DROP TABLE age_checks;
