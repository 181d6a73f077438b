-- Who was given what about people, in kinds and counts, and who asked to be told of it.

-- A count for each day and kind of disclosure. No row is about a visit or a visitor: the answers that are made of it
-- (Civil Code 1798.83) name kinds and recipients of a year, and a list of who came on which day would be a new way to
-- watch people.
CREATE TABLE disclosures (
    day TEXT NOT NULL,
    -- A vendor's id in the registry, or one of the services that the shop itself needs.
    recipient TEXT NOT NULL,
    purpose TEXT NOT NULL,
    -- Words with spaces, in the order of the list.
    categories TEXT NOT NULL,
    basis TEXT NOT NULL CHECK (basis IN ('consent', 'not_opposed', 'contract', 'law')),
    -- The entry of the consent log that a call of our own about somebody rests on; 0 where there is none to name.
    receipt_seq BIGINT NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, recipient, purpose, categories, basis, receipt_seq)
);

-- Who asked by post or e-mail what was given to third parties for their direct marketing in the year before.
CREATE TABLE inquiries (
    id TEXT PRIMARY KEY,
    way TEXT NOT NULL CHECK (way IN ('post', 'email')),
    name TEXT NOT NULL,
    -- Where the answer goes.
    address TEXT NOT NULL,
    -- One person, however they write themselves, and the year in which they asked: they may once.
    person TEXT NOT NULL,
    asked_in INTEGER NOT NULL,
    received_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    -- Who of the staff wrote it down. They may be gone before it.
    entered_by TEXT NOT NULL,
    entered_at BIGINT NOT NULL,
    UNIQUE (person, asked_in)
);
CREATE INDEX inquiries_by_due ON inquiries (due_at);

-- What they were answered, word for word.
CREATE TABLE inquiry_answers (
    inquiry_id TEXT PRIMARY KEY REFERENCES inquiries (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('list', 'opt_out')),
    body TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    answered_at BIGINT NOT NULL
);
