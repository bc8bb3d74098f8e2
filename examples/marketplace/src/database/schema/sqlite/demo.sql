CREATE TABLE demo (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    password    TEXT    NOT NULL,
    is_complete INTEGER NOT NULL
) STRICT;
