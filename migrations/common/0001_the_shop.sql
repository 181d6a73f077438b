-- The whole first shop: people, recordings, tracks, sales, proof and the work behind them.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    handle TEXT UNIQUE,
    handle_changed_at BIGINT,
    about TEXT NOT NULL DEFAULT '',
    picture TEXT,
    shortcuts BOOLEAN NOT NULL DEFAULT TRUE,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    disabled_at BIGINT
);

CREATE TABLE user_links (
    user_id TEXT NOT NULL REFERENCES users (id),
    position INTEGER NOT NULL,
    label TEXT NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (user_id, position)
);

CREATE TABLE roles (
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('uploader', 'reviewer', 'support', 'admin')),
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, role)
);

CREATE TABLE agreements (
    user_id TEXT NOT NULL REFERENCES users (id),
    version TEXT NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, version)
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE mail_tokens (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('confirm', 'reset', 'email')),
    new_email TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- A file an uploader gave, and what became of it.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    uploader_id TEXT NOT NULL REFERENCES users (id),
    filename TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    file_sha256 TEXT NOT NULL,
    master_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('received', 'processing', 'ready', 'refused', 'failed')),
    reason TEXT,
    twin_of TEXT REFERENCES uploads (id),
    twin_kind TEXT CHECK (twin_kind IN ('bytes', 'samples', 'alike', 'perhaps')),
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX uploads_by_uploader ON uploads (uploader_id, created_at);
CREATE INDEX uploads_by_hash ON uploads (file_sha256);

-- What the one pass over the sound found out. Never changes.
CREATE TABLE recordings (
    upload_id TEXT PRIMARY KEY REFERENCES uploads (id),
    container TEXT NOT NULL,
    codec TEXT NOT NULL,
    frames BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    sample_rate INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    bits INTEGER,
    loudness_lufs DOUBLE PRECISION,
    loudness_range DOUBLE PRECISION,
    true_peak_dbtp DOUBLE PRECISION,
    samples_sha256 TEXT NOT NULL,
    bpm DOUBLE PRECISION,
    bpm_sure DOUBLE PRECISION NOT NULL,
    musical_key TEXT,
    key_sure DOUBLE PRECISION NOT NULL,
    bars TEXT NOT NULL,
    peaks_key TEXT NOT NULL,
    artwork_key TEXT NOT NULL,
    preview_key TEXT NOT NULL,
    preview_bytes BIGINT NOT NULL,
    sample_key TEXT NOT NULL,
    sample_bytes BIGINT NOT NULL,
    sample_start_ms BIGINT NOT NULL,
    fingerprint_key TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX recordings_by_samples ON recordings (samples_sha256);

CREATE TABLE tracks (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    uploader_id TEXT NOT NULL REFERENCES users (id),
    upload_id TEXT NOT NULL REFERENCES uploads (id),
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL CHECK (kind IN ('music', 'loop', 'effect')),
    genre TEXT,
    vocals TEXT NOT NULL DEFAULT 'none' CHECK (vocals IN ('none', 'lead', 'choir', 'spoken')),
    moods TEXT NOT NULL DEFAULT '',
    instruments TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '',
    bpm DOUBLE PRECISION,
    musical_key TEXT,
    duration_ms BIGINT NOT NULL,
    sample_start_ms BIGINT NOT NULL DEFAULT 0,
    bars TEXT NOT NULL,
    price_from BIGINT,
    state TEXT NOT NULL CHECK (state IN ('draft', 'submitted', 'published', 'refused', 'withdrawn')),
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    published_at BIGINT,
    licensed BIGINT NOT NULL DEFAULT 0,
    kept BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tracks_by_uploader ON tracks (uploader_id, created_at);
CREATE INDEX tracks_by_upload ON tracks (upload_id);
CREATE INDEX tracks_new ON tracks (state, published_at);

-- What happened to a track, with who and when: submitted, published, refused, withdrawn, edited.
CREATE TABLE track_events (
    id @ID@,
    track_id TEXT NOT NULL REFERENCES tracks (id),
    kind TEXT NOT NULL CHECK (kind IN ('submitted', 'published', 'refused', 'withdrawn', 'edited')),
    by_user TEXT NOT NULL REFERENCES users (id),
    reason TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX track_events_by_track ON track_events (track_id, at);

CREATE TABLE offers (
    id TEXT PRIMARY KEY,
    track_id TEXT NOT NULL REFERENCES tracks (id),
    tier TEXT NOT NULL,
    price_cents BIGINT NOT NULL CHECK (price_cents = 0 OR price_cents >= 100),
    currency TEXT NOT NULL,
    UNIQUE (track_id, tier)
);

-- Whole numbers a day, and nobody behind them.
CREATE TABLE track_days (
    track_id TEXT NOT NULL REFERENCES tracks (id),
    day TEXT NOT NULL,
    plays BIGINT NOT NULL DEFAULT 0,
    basket_adds BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (track_id, day)
);

CREATE TABLE favourites (
    user_id TEXT NOT NULL REFERENCES users (id),
    track_id TEXT NOT NULL REFERENCES tracks (id),
    at BIGINT NOT NULL,
    PRIMARY KEY (user_id, track_id)
);
CREATE INDEX favourites_by_track ON favourites (track_id);

-- Every edition of every tier, by its hash; the newest of a slug is the one on sale.
CREATE TABLE tier_versions (
    terms_hash TEXT PRIMARY KEY,
    slug TEXT NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    tier TEXT NOT NULL,
    terms TEXT NOT NULL,
    position INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (slug, number)
);

CREATE TABLE baskets (
    id TEXT PRIMARY KEY,
    token_hash TEXT UNIQUE,
    user_id TEXT UNIQUE REFERENCES users (id),
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE basket_lines (
    basket_id TEXT NOT NULL REFERENCES baskets (id),
    track_id TEXT NOT NULL REFERENCES tracks (id),
    tier TEXT NOT NULL,
    price_cents BIGINT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (basket_id, track_id, tier)
);

CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    buyer_id TEXT NOT NULL REFERENCES users (id),
    state TEXT NOT NULL CHECK (state IN ('open', 'awaiting', 'paid', 'cancelled', 'refunded')),
    licensee TEXT NOT NULL,
    company TEXT NOT NULL DEFAULT '',
    country TEXT NOT NULL DEFAULT '',
    currency TEXT NOT NULL,
    total_cents BIGINT NOT NULL,
    territories TEXT NOT NULL DEFAULT '',
    refund_rule TEXT NOT NULL,
    -- What was ordered, for whom and at what prices, as one hash: a second click finds the order of the first.
    fingerprint TEXT NOT NULL,
    try_number INTEGER NOT NULL DEFAULT 1,
    session_expires_at BIGINT NOT NULL,
    stripe_session TEXT UNIQUE,
    stripe_url TEXT,
    payment_intent TEXT,
    note TEXT,
    created_at BIGINT NOT NULL,
    paid_at BIGINT,
    changed_at BIGINT NOT NULL
);
CREATE INDEX orders_by_buyer ON orders (buyer_id, created_at);
CREATE INDEX orders_by_intent ON orders (payment_intent);
CREATE INDEX orders_waiting ON orders (state, created_at);

-- A line keeps everything of the moment it was bought.
CREATE TABLE order_lines (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL,
    track_id TEXT NOT NULL REFERENCES tracks (id),
    upload_id TEXT NOT NULL REFERENCES uploads (id),
    uploader_id TEXT NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    uploader_name TEXT NOT NULL,
    tier TEXT NOT NULL,
    terms_hash TEXT NOT NULL REFERENCES tier_versions (terms_hash),
    price_cents BIGINT NOT NULL,
    share_bps BIGINT NOT NULL,
    uploader_cents BIGINT NOT NULL,
    platform_cents BIGINT NOT NULL,
    UNIQUE (order_id, position),
    CHECK (uploader_cents + platform_cents = price_cents)
);
CREATE INDEX order_lines_by_track ON order_lines (track_id);
CREATE INDEX order_lines_by_uploader ON order_lines (uploader_id);

CREATE TABLE licences (
    id TEXT PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    order_line_id TEXT NOT NULL UNIQUE REFERENCES order_lines (id),
    buyer_id TEXT NOT NULL REFERENCES users (id),
    track_id TEXT NOT NULL REFERENCES tracks (id),
    tier TEXT NOT NULL,
    terms_hash TEXT NOT NULL,
    credential TEXT NOT NULL,
    status_index BIGINT NOT NULL UNIQUE,
    issued_at BIGINT NOT NULL
);
CREATE INDEX licences_by_buyer ON licences (buyer_id, issued_at);

CREATE TABLE revocations (
    licence_id TEXT PRIMARY KEY REFERENCES licences (id),
    reason TEXT NOT NULL CHECK (reason IN ('refunded', 'dispute_lost', 'withdrawn')),
    at BIGINT NOT NULL
);

-- While a bank looks into a payment its licences rest; `ended_at` is when they came back.
CREATE TABLE suspensions (
    licence_id TEXT NOT NULL REFERENCES licences (id),
    dispute TEXT NOT NULL,
    at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (licence_id, dispute)
);

-- Files made from a master for one licence, and the signed note that travels with each.
CREATE TABLE deliveries (
    licence_id TEXT NOT NULL REFERENCES licences (id),
    kind TEXT NOT NULL CHECK (kind IN ('mp3', 'wav')),
    storage_key TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    note TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (licence_id, kind)
);

-- What Stripe said, word for word; the order is computed from all of it.
CREATE TABLE stripe_events (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    order_id TEXT,
    session TEXT,
    payment_intent TEXT,
    body TEXT NOT NULL,
    problem TEXT,
    happened_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX stripe_events_by_order ON stripe_events (order_id);
CREATE INDEX stripe_events_by_session ON stripe_events (session);
CREATE INDEX stripe_events_by_intent ON stripe_events (payment_intent);

CREATE TABLE journals (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id),
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'refund')),
    -- How much of the order is booked with this journal and those before it of its kind.
    upto_cents BIGINT NOT NULL,
    at BIGINT NOT NULL,
    UNIQUE (order_id, kind, upto_cents)
);

-- Double entry: positive is owed to the account, negative is held by it. A journal sums to zero.
CREATE TABLE entries (
    journal_id TEXT NOT NULL REFERENCES journals (id),
    position INTEGER NOT NULL,
    account TEXT NOT NULL CHECK (account IN ('stripe', 'platform', 'uploader')),
    user_id TEXT REFERENCES users (id),
    order_line_id TEXT REFERENCES order_lines (id),
    amount_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (journal_id, position)
);
CREATE INDEX entries_by_user ON entries (user_id, at);

CREATE TABLE issuer_keys (
    id TEXT PRIMARY KEY,
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    once_key TEXT UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('ready', 'running', 'done', 'parked')),
    priority INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    runs INTEGER NOT NULL DEFAULT 0,
    lease_until BIGINT,
    owner TEXT,
    problem TEXT,
    created_at BIGINT NOT NULL,
    done_at BIGINT
);
CREATE INDEX jobs_due ON jobs (state, priority, due_at);

-- Which tracks may look different to a searcher since when. Followed by every process into its own index.
CREATE TABLE changes (
    seq @ID@,
    track_id TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- Single facts about this shop, such as whether the demo was filled.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at BIGINT NOT NULL
);
