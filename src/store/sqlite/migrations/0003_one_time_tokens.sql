-- Why an account waits for its activation; only inactive ones do.
ALTER TABLE users ADD COLUMN pending TEXT CHECK (pending IN ('registration', 'address'));

-- Secrets of mailed links, known by their SHA-256 (R-21). The newest for each user and purpose is the only one.
CREATE TABLE one_time_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose TEXT NOT NULL CHECK (purpose IN ('activation', 'password_reset', 'username_reset')),
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    UNIQUE (user_id, purpose)
) STRICT;
CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (expires_at);
