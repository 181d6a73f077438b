-- How old people are, who answers for those under age, and what was allowed to whom. A date of birth is in none of it.

-- What pages and guards must know of everyone at once; how it came about stands in `age_answers` and `wards`.
ALTER TABLE users ADD COLUMN band TEXT NOT NULL DEFAULT 'adult' CHECK (band IN ('child', 'minor', 'adult'));
-- Why an account shows its owner nothing but a notice, while it does.
ALTER TABLE users ADD COLUMN hold TEXT CHECK (hold IN ('discovered', 'conflict', 'ended', 'asked_anew'));

-- What accounts answered, the newest last. The month is that in which the next band begins; it exists only for the young.
CREATE TABLE age_answers (
    id @ID@,
    account TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    band TEXT NOT NULL CHECK (band IN ('child', 'minor', 'adult')),
    next_band_month TEXT,
    site_profile TEXT NOT NULL,
    place TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX age_answers_by_account ON age_answers (account, id);

-- Signs that somebody is younger than they said, and where each came from.
CREATE TABLE age_signals (
    id @ID@,
    account TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source TEXT NOT NULL CHECK (source IN ('staff', 'report', 'own_words', 'support', 'device', 'guardian')),
    bracket TEXT NOT NULL CHECK (bracket IN ('child', 'minor', 'adult')),
    by_user TEXT,
    at BIGINT NOT NULL,
    -- Somebody of the staff looked and said what is true.
    settled_at BIGINT,
    settled_by TEXT
);
CREATE INDEX age_signals_by_account ON age_signals (account, at);

-- Somebody under age, from the moment a grown-up was named (or an account was found out) until they are of age.
CREATE TABLE wards (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('cleared', 'pending', 'general', 'authorised', 'ended', 'waiting', 'internal',
        'disclosing', 'child_ended', 'discovered', 'conflict', 'aged_up')),
    -- The name the account will have; nobody else gets it meanwhile.
    name TEXT NOT NULL,
    -- As it stands in addresses.
    handle TEXT NOT NULL UNIQUE,
    account TEXT UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    band TEXT NOT NULL CHECK (band IN ('child', 'minor', 'adult')),
    next_band_month TEXT,
    site_profile TEXT NOT NULL,
    place TEXT,
    -- What its browser comes back with, hashed.
    claim_hash TEXT UNIQUE,
    since BIGINT NOT NULL,
    -- When what is asked for lapses: fourteen days for an answer, for a consent after a discovery, thirty for an export.
    due_at BIGINT
);
CREATE INDEX wards_by_due ON wards (due_at);

-- Who answers for a ward.
CREATE TABLE guardians (
    id TEXT PRIMARY KEY,
    ward TEXT NOT NULL UNIQUE REFERENCES wards (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    relationship TEXT NOT NULL DEFAULT '',
    notice_hash TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    answered_at BIGINT,
    -- The letter a day after the answer, and the yearly one.
    confirmed_at BIGINT,
    reminded_at BIGINT
);
CREATE INDEX guardians_by_email ON guardians (email_folded);

-- What a guardian allows. It counts from `granted_at`, which waits for a stronger proof where the scope needs one.
CREATE TABLE permissions (
    id TEXT PRIMARY KEY,
    ward TEXT NOT NULL REFERENCES wards (id) ON DELETE CASCADE,
    scope TEXT NOT NULL CHECK (scope IN ('account', 'buy', 'upload', 'sell', 'payouts', 'profile', 'messages', 'marketing',
        'contests', 'publication')),
    method TEXT CHECK (method IN ('signed_form', 'card_transaction', 'phone', 'video', 'gov_id_db', 'kba', 'face_match',
        'email_plus', 'text_plus')),
    form_hash TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    granted_at BIGINT,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX permissions_by_ward ON permissions (ward, scope);

-- To whom, and what for, a guardian lets a child's data be shown.
CREATE TABLE disclosure_consents (
    permission TEXT NOT NULL REFERENCES permissions (id) ON DELETE CASCADE,
    recipient TEXT NOT NULL,
    purpose TEXT NOT NULL,
    PRIMARY KEY (permission, recipient)
);

-- How a guardian was proved to be one. Never a card's number, never a picture.
CREATE TABLE verifications (
    id TEXT PRIMARY KEY,
    ward TEXT NOT NULL REFERENCES wards (id) ON DELETE CASCADE,
    method TEXT NOT NULL CHECK (method IN ('signed_form', 'card_transaction', 'phone', 'video', 'gov_id_db', 'kba',
        'face_match', 'email_plus', 'text_plus')),
    -- A code on the printed form, a payment page at Stripe.
    reference TEXT UNIQUE,
    result TEXT NOT NULL CHECK (result IN ('open', 'passed', 'failed')),
    first_reviewer TEXT,
    second_reviewer TEXT,
    -- The payment that is given back, and that it was.
    payment TEXT,
    refunded_at BIGINT,
    asked_at BIGINT NOT NULL,
    at BIGINT
);
CREATE INDEX verifications_by_ward ON verifications (ward);

-- The form as it was signed: JSON with our proof on it.
CREATE TABLE ward_forms (
    id TEXT PRIMARY KEY,
    ward TEXT NOT NULL REFERENCES wards (id) ON DELETE CASCADE,
    document TEXT NOT NULL,
    signed_at BIGINT NOT NULL
);
CREATE INDEX ward_forms_by_ward ON ward_forms (ward, signed_at);

-- Links in letters to guardians, hashed.
CREATE TABLE guardian_links (
    token_hash TEXT PRIMARY KEY,
    ward TEXT NOT NULL REFERENCES wards (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL CHECK (purpose IN ('answer', 'area', 'revoke')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX guardian_links_by_ward ON guardian_links (ward);

-- What happened to a ward, each with its receipt in the consent log.
CREATE TABLE ward_steps (
    id @ID@,
    ward TEXT NOT NULL REFERENCES wards (id) ON DELETE CASCADE,
    edge TEXT NOT NULL,
    came_from TEXT NOT NULL,
    went_to TEXT NOT NULL,
    receipt TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX ward_steps_by_ward ON ward_steps (ward, id);

-- Earnings of a ward that wait for its guardian.
CREATE TABLE payout_holds (
    account TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    since BIGINT NOT NULL,
    ended_at BIGINT
);

-- Who of age chose to say so on their profile.
CREATE TABLE shown_ages (
    account TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    since BIGINT NOT NULL
);
