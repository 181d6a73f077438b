-- That a provider is asked whether the owner of a resting account is of age. What the provider found out is in no row: the
-- account is opened, or it is not. A row goes as soon as the provider has forgotten, at the latest after a day.
CREATE TABLE age_checks (
    id TEXT PRIMARY KEY,
    -- Empty once the account is gone, while the provider has not forgotten yet.
    account TEXT REFERENCES users (id) ON DELETE SET NULL,
    -- What the provider knows it by, and the address of its page.
    provider_ref TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    -- Nothing more is asked about it; the provider is to forget.
    ended_at BIGINT
);
CREATE INDEX age_checks_by_account ON age_checks (account);
