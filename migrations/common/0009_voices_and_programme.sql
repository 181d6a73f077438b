-- What an uploader said about people under age who are heard in a sound; the newest counts.
CREATE TABLE young_voices (
    id @ID@,
    track TEXT NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    -- Whether a person under 18 speaks or sings in it.
    heard BOOLEAN NOT NULL,
    -- The edition of the sentence by which the release of a parent or guardian was stated; none where nobody young is heard.
    release TEXT,
    by_user TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX young_voices_by_track ON young_voices (track, id);

-- The yearly record of the security programme (16 CFR 312.8): what was looked at, what was found, when the next one is due.
CREATE TABLE security_reviews (
    id TEXT PRIMARY KEY,
    -- Who coordinates the programme, by name, on that day.
    coordinator TEXT NOT NULL,
    looked_at TEXT NOT NULL,
    found TEXT NOT NULL,
    by_user TEXT NOT NULL,
    at BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);
CREATE INDEX security_reviews_by_time ON security_reviews (at);
