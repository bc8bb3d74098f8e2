CREATE TABLE IF NOT EXISTS settings (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS checkouts (
    reference TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'paid')),
    refunded INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND amount),
    description TEXT,
    return_url TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS refunds (
    reference TEXT PRIMARY KEY,
    checkout_reference TEXT NOT NULL REFERENCES checkouts (reference),
    amount INTEGER NOT NULL CHECK (amount > 0)
) STRICT;

CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    checkout TEXT NOT NULL REFERENCES checkouts (reference),
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    acknowledged INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS events_pending ON events (checkout, seq) WHERE state = 'pending';
