-- The marketplace's figures by month, added up from the platform's sealed events: no identities.
CREATE TABLE performance (
    month    TEXT    NOT NULL,
    currency TEXT    NOT NULL,
    orders   INTEGER NOT NULL,
    volume   INTEGER NOT NULL,
    fees     INTEGER NOT NULL,
    PRIMARY KEY (month, currency)
) STRICT, WITHOUT ROWID;

-- The number of the last event that was added up.
CREATE TABLE performance_progress (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seen INTEGER NOT NULL
) STRICT;
