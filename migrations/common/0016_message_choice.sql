-- With whom a guardian allows messages: the form offers none (then there is no permission), known contacts, or everybody. Of what
-- was ticked before it could be said, the narrower counts. Empty for every other permission.
ALTER TABLE permissions ADD COLUMN reach TEXT CHECK (reach IN ('known_contacts', 'all'));
UPDATE permissions SET reach = 'known_contacts' WHERE scope = 'messages';
