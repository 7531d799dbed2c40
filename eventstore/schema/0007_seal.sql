-- What sealing keeps. Losing the tiles costs time: they are made again from the log,
-- and must lead to the last checkpoint. The checkpoints leave the database, too.
SET LOCAL ROLE tender_app;

CREATE TABLE {{work}}.checkpoints (
    number    bigint      NOT NULL, -- 1, 2, 3 …: of two sealers one is first
    size      bigint      NOT NULL, -- of the log
    note      text        NOT NULL, -- as it was signed
    sealed_at timestamptz NOT NULL,
    handover  boolean     NOT NULL, -- signed by an old key and by its successor
    leaves    bytea       NOT NULL, -- those that it added to the tile that was not complete
    CONSTRAINT checkpoints_key PRIMARY KEY (number)
);

CREATE INDEX checkpoints_size ON {{work}}.checkpoints (size);

CREATE INDEX checkpoints_sealed ON {{work}}.checkpoints (sealed_at);

-- The complete tiles of the tree: 256 hashes each, of leaves at level 0, of the
-- roots of the tiles one level below at the others.
CREATE TABLE {{work}}.tiles (
    level  integer NOT NULL,
    number bigint  NOT NULL, -- from 0
    hashes bytea   NOT NULL,
    root   bytea   NOT NULL, -- of the subtree over them
    CONSTRAINT tiles_key PRIMARY KEY (level, number)
);

-- Hashes can't be compressed, and roots are read without them.
ALTER TABLE {{work}}.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Why sealing has stopped: one row, while it has.
CREATE TABLE {{work}}.seal_alarm (
    one    boolean     NOT NULL DEFAULT true CHECK (one),
    since  timestamptz NOT NULL,
    size   bigint      NOT NULL, -- up to where the log is sealed
    reason text        NOT NULL,
    CONSTRAINT seal_alarm_key PRIMARY KEY (one)
);
