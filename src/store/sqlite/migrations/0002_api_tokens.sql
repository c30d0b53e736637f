-- Keys that are sent as `Authorization: Token …`. Of a key only the SHA-256 is stored. The row without a name is the user's
-- login token: its key is derived from the nonce and a sealed secret, so that every login gives the same key (S3-18).
CREATE TABLE api_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    name TEXT,
    key_hash BLOB NOT NULL UNIQUE,
    nonce BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER,
    CHECK ((name IS NULL) = (nonce IS NOT NULL)),
    CHECK (length(key_hash) = 32)
) STRICT;
CREATE INDEX api_tokens_user ON api_tokens (user_id);
CREATE UNIQUE INDEX api_tokens_login ON api_tokens (user_id) WHERE name IS NULL AND revoked_at IS NULL;
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (user_id, name) WHERE name IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX api_tokens_expires_at ON api_tokens (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX api_tokens_revoked_at ON api_tokens (revoked_at) WHERE revoked_at IS NOT NULL;

-- Secrets of the installation, sealed under the master key, which is not in this file (R-55).
CREATE TABLE sealed_secrets (
    name TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
