-- A refresh token that is no JWT of ours is known by a hash; its jti is a name of its own, for lists.
ALTER TABLE tokens ADD COLUMN secret_hash BLOB;
CREATE UNIQUE INDEX tokens_secret_hash ON tokens (secret_hash) WHERE secret_hash IS NOT NULL;

-- Keys of a former system verify until this instant and never sign.
ALTER TABLE signing_keys ADD COLUMN expires_at INTEGER;

-- Tokens of a former system have no session to end: what was issued by this instant is void, for one user or (the mark) all.
ALTER TABLE users ADD COLUMN void_until INTEGER NOT NULL DEFAULT 0;
INSERT INTO marks (name, value) VALUES ('void_until', '0');

-- Tokens of a former system that were spent or revoked; kept as long as they would be good.
CREATE TABLE revoked_imports (
    hash BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_imports_expires_at ON revoked_imports (expires_at);
