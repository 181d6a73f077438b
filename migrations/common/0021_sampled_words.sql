-- By which words of its fingerprint a recording is found again: one in eight, chosen by what the word is, so that both sides choose
-- the same. Without it a new recording could be compared with a few of its uploader's own alone.
CREATE TABLE sampled_words (
    word BIGINT NOT NULL,
    upload_id TEXT NOT NULL REFERENCES recordings (upload_id) ON DELETE CASCADE,
    PRIMARY KEY (word, upload_id)
);
CREATE INDEX sampled_words_by_upload ON sampled_words (upload_id);

-- Which earlier recordings a new one sounds like: the nearest of its uploader's own, and the nearest of anybody else's.
CREATE TABLE resemblances (
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    other_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('alike', 'perhaps')),
    PRIMARY KEY (upload_id, other_id)
);
CREATE INDEX resemblances_by_other ON resemblances (other_id);

-- The fingerprints of what is there already lie in storage, where SQL cannot read them: a job does.
INSERT INTO jobs (id, kind, payload, once_key, state, priority, due_at, created_at)
SELECT '00000000000070008000000000000021', 'sample_words', '{"kind":"sample_words","after":""}', 'sample_words', 'ready', 5,
    (SELECT MAX(created_at) FROM recordings), (SELECT MAX(created_at) FROM recordings)
WHERE EXISTS (SELECT 1 FROM recordings WHERE fingerprint_key IS NOT NULL);
