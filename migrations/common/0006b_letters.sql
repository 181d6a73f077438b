-- What accounts said about letters, and how many of those who agreed opened one.

-- No row: off.
CREATE TABLE account_letters (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    topic TEXT NOT NULL CHECK (topic IN ('email_measurement', 'marketing_email')),
    wanted BOOLEAN NOT NULL,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, topic)
);
CREATE INDEX account_letters_wanted ON account_letters (topic, wanted);

-- How many letters of a kind left that could report back, and how many did, by the day they left. Nothing says whose.
CREATE TABLE letter_days (
    day TEXT NOT NULL,
    letter TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('sent', 'opened', 'followed')),
    count BIGINT NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, letter, what)
);
