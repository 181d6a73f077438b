-- A certificate names the client or the project that a licence is for, where its buyer said one.
ALTER TABLE orders ADD COLUMN project TEXT NOT NULL DEFAULT '';
