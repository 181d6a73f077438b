-- The name under which a key signed is kept with it, so that what it signed verifies after the shop moved to another domain. Of
-- the keys that are there already it is the shop's name at the next start, as far as anybody can know.
ALTER TABLE issuer_keys ADD COLUMN did TEXT NOT NULL DEFAULT '';
