-- Guesses and other attempts that are limited, by bucket and whom it is about: their times, eight bytes each, the oldest
-- first. A device that lost trust stays so until closed_until. Whose account it is about, and who tried last, is for people.
CREATE TABLE guard (
    bucket TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER,
    times BLOB NOT NULL,
    closed_until INTEGER,
    address TEXT,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (bucket, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX guard_expires_at ON guard (expires_at);
CREATE INDEX guard_user ON guard (user_id) WHERE user_id IS NOT NULL;
INSERT INTO counts (name, n) VALUES ('guard', 0);
CREATE TRIGGER guard_count_insert AFTER INSERT ON guard BEGIN UPDATE counts SET n = n + 1 WHERE name = 'guard'; END;
CREATE TRIGGER guard_count_delete AFTER DELETE ON guard BEGIN UPDATE counts SET n = n - 1 WHERE name = 'guard'; END;
