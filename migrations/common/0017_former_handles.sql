-- Handles that somebody had once. None is given to anybody else: their links would lead to a stranger. Only a hash is kept, and
-- of whoever left nothing beside it.
CREATE TABLE former_handles (
    -- SHA-256 of the handle.
    handle_hash TEXT PRIMARY KEY,
    -- Who had it; nobody any more, where the account was erased.
    account TEXT REFERENCES users (id) ON DELETE SET NULL,
    left_at BIGINT NOT NULL
);
CREATE INDEX former_handles_by_account ON former_handles (account);
