-- What a paid order was billed with, and what took it back: documents with running numbers, kept for ever.

-- Licensee, lines, total and currency are those of the order, which nothing changes once it is paid; here stands what
-- the order does not know: the number, and who sold. A credit note takes back the invoice of its order, in full.
CREATE TABLE invoices (
    year INTEGER NOT NULL,
    running INTEGER NOT NULL CHECK (running > 0),
    kind TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    order_id TEXT NOT NULL REFERENCES orders (id),
    seller TEXT NOT NULL,
    seller_country TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    PRIMARY KEY (year, running),
    UNIQUE (order_id, kind)
);
