-- Mails. What one says may hold a one-time link: it rests sealed under the master key (R-55), as long as it may be sent.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    user_id INTEGER REFERENCES users ON DELETE CASCADE,
    token_id INTEGER,
    recipient TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'failed', 'dropped')),
    sealed BLOB,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    -- Until then one process has it in hand; others leave it alone.
    leased_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    sent_at INTEGER,
    expires_at INTEGER NOT NULL,
    CHECK (status <> 'queued' OR sealed IS NOT NULL),
    CHECK (status NOT IN ('sent', 'dropped') OR sealed IS NULL)
) STRICT;
CREATE INDEX outbox_user ON outbox (user_id);
CREATE INDEX outbox_token ON outbox (token_id) WHERE token_id IS NOT NULL;
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE status = 'queued';
CREATE INDEX outbox_expires_at ON outbox (expires_at) WHERE sealed IS NOT NULL;
CREATE INDEX outbox_created_at ON outbox (created_at);
