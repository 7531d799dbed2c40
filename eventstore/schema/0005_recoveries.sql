-- How far recoveries have come, one row each while they run. Losing it costs time:
-- what was looked at is looked at again, and nothing is sent again twice.
SET LOCAL ROLE tender_app;

CREATE TABLE {{work}}.recoveries (
    id             text        NOT NULL,
    place_at       timestamptz NOT NULL, -- of the event that was looked at last,
    place_position bigint      NOT NULL, -- and its position
    examined       integer     NOT NULL,
    resent         integer     NOT NULL,
    CONSTRAINT recoveries_key PRIMARY KEY (id)
);
