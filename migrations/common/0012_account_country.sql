-- Where an account's owner says they are, as an ISO 3166 code: which rules of privacy and of age are followed for them where
-- they chose no place for themselves. Nobody has to say.
ALTER TABLE users ADD COLUMN country TEXT;
