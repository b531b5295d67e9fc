"""The tables of the journal's file."""

VERSION = 3
"""Of the tables below: a file of another version is made anew, from the topics."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- where each partition is read on; written with what was read, so a restart neither leaves out nor repeats
CREATE TABLE positions (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

-- what was said, in the order in which it was read. at: when it was produced, in ms; lane: `feed` for what the live
-- feed shows, `audit` for what people did, else NULL; action: of a sanction, of a violation its mode; rule: several
-- with blanks between them, of a lift; body: JSON with its `kind`
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, identity BLOB NOT NULL,
    lane TEXT, action TEXT, clauses TEXT, rule TEXT, body BLOB NOT NULL
);
CREATE UNIQUE INDEX records_by_identity ON records (identity);
CREATE INDEX records_by_subject ON records (subject, seq, kind, at);
CREATE INDEX records_by_lane ON records (lane, seq) WHERE lane IS NOT NULL;
CREATE INDEX acts_by_subject ON records (subject, seq) WHERE lane = 'audit';
CREATE INDEX records_by_age ON records (at);
CREATE INDEX sanctions_by_rule ON records (rule, at) WHERE kind = 'enforcement';
CREATE INDEX violations ON records (seq) WHERE kind = 'violation';
CREATE INDEX violations_by_rule ON records (rule, seq) WHERE kind = 'violation';

-- the newest record of each review. first: when its first one was produced, time: that of its newest, in ms
CREATE TABLE reviews (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, status TEXT NOT NULL, first INTEGER NOT NULL, at INTEGER NOT NULL,
    seq INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX reviews_by_status ON reviews (status, seq);
CREATE INDEX reviews_by_age ON reviews (status, first, id);
CREATE INDEX reviews_by_subject ON reviews (subject);

-- the ban list: what is in force, by subject; round: of the reading of the whole list that it was last seen in
CREATE TABLE bans (
    subject TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, round INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE banned (kind TEXT PRIMARY KEY, n INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER ban_put AFTER INSERT ON bans BEGIN
    INSERT INTO banned VALUES (new.kind, 1, length(new.body) + 200)
    ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER ban_changed AFTER UPDATE ON bans BEGIN
    UPDATE banned SET bytes = bytes + length(new.body) - length(old.body) WHERE kind = new.kind;
END;
CREATE TRIGGER ban_gone AFTER DELETE ON bans BEGIN
    UPDATE banned SET n = n - 1, bytes = bytes - length(old.body) - 200 WHERE kind = old.kind;
END;

-- the newest control of each target
CREATE TABLE controls (target TEXT PRIMARY KEY, halted INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL);

-- a moderator's decisions that workers did not take
CREATE TABLE refused (id TEXT PRIMARY KEY, subject TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT, detail TEXT);
CREATE INDEX refused_by_subject ON refused (subject);

-- the newest dead letters. topic, partition, place: of the record that each is about, NULL where it does not say;
-- size: bytes of its value, of which `value` holds the first
CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    topic TEXT, partition INTEGER, place INTEGER, size INTEGER NOT NULL, value BLOB NOT NULL
);

-- how many, by minute; and of each rule by hour
CREATE TABLE minutes (
    minute INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (minute, kind, name)
) WITHOUT ROWID;
CREATE TABLE rule_hours (
    hour INTEGER NOT NULL, rule TEXT NOT NULL, clause TEXT NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (hour, rule, clause, kind)
) WITHOUT ROWID;
"""
