-- Hashes at the cost of a former default are as hard to guess by and take longer to compare. They stand as an imported hash
-- of that cost does: a refusal takes as long for everybody while there are any, and a sign-in replaces its own.
UPDATE users SET password = 'argon2' || password WHERE password GLOB '$argon2id$v=19$m=19456,t=2,p=1$*';
INSERT INTO marks (name, value)
    SELECT 'imported_hash',
           'argon2$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    WHERE EXISTS (SELECT 1 FROM users WHERE password GLOB 'argon2$argon2id$v=19$m=19456,t=2,p=1$*')
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE marks.value = '';

-- Tells at once whether there are any left.
CREATE INDEX users_imported_hash ON users (id) WHERE password IS NOT NULL AND password NOT GLOB '$argon2id$*';
