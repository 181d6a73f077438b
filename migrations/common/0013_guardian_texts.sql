-- A parent who answers with a text message (16 CFR 312.5(b)(2)(ix)): one row for each code that was asked for. The code is in no
-- row. The number is there for the two messages and no longer; the row outlives it by a day, so that messages can be counted.
CREATE TABLE guardian_texts (
    id TEXT PRIMARY KEY,
    ward TEXT NOT NULL REFERENCES wards (id) ON DELETE CASCADE,
    -- As the world dials it: a plus and digits. Empty as soon as nothing is sent to it any more.
    number TEXT,
    -- Codes that were entered.
    tries INTEGER NOT NULL,
    asked_at BIGINT NOT NULL,
    -- When the number goes by itself.
    ends_at BIGINT NOT NULL,
    -- The code was taken to be carried, or was not.
    sent_at BIGINT,
    failed_at BIGINT,
    -- The right code came, and the answer by it.
    proved_at BIGINT,
    answered_at BIGINT
);
CREATE INDEX guardian_texts_by_ward ON guardian_texts (ward, asked_at);
CREATE INDEX guardian_texts_by_end ON guardian_texts (ends_at);
