-- A form of choices counts once, whichever process it is sent to. The receipt it made keeps hashes of it under the shop's key:
-- of the form's word, and of the press upon the choices before and upon those it made. Nobody's name is in them, nothing leads
-- from them to a browser, and they go with the receipt. Empty: the choice was made otherwise than by such a form.
ALTER TABLE consent_receipts ADD COLUMN word TEXT;
ALTER TABLE consent_receipts ADD COLUMN word_from TEXT;
ALTER TABLE consent_receipts ADD COLUMN word_to TEXT;
CREATE UNIQUE INDEX consent_receipts_by_word ON consent_receipts (word);
