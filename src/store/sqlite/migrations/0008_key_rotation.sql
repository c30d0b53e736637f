-- Rotation of signing keys (R-25): from when on each signs, and when the last tokens that it signed expire.
ALTER TABLE signing_keys ADD COLUMN signs_from INTEGER;
ALTER TABLE signing_keys ADD COLUMN access_until INTEGER;
ALTER TABLE signing_keys ADD COLUMN refresh_until INTEGER;

-- What was signed until now: an access token is good for a day at most, of refresh tokens the ends are known.
UPDATE signing_keys
SET signs_from = created_at,
    access_until = (unixepoch('now') + 86400) * 1000000,
    refresh_until = (SELECT MAX(expires_at) FROM tokens)
WHERE signs = 1;
