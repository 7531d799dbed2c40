-- Where workers keep what is neither an event nor a read model: who is at work on
-- what, which tries were made, what came in and waits to be acted on. Losing it
-- costs time, never money.
SET LOCAL ROLE tender_app;

CREATE TABLE {{work}}.leases (
    kind          text        NOT NULL,
    id            text        NOT NULL,
    owner         text        NOT NULL,
    until         timestamptz NOT NULL,
    done_position bigint,
    CONSTRAINT leases_key PRIMARY KEY (kind, id)
);

-- What is to be tried again, by when.
CREATE INDEX leases_open ON {{work}}.leases (kind, until) WHERE done_position IS NULL;

CREATE INDEX leases_done ON {{work}}.leases (kind, done_position) WHERE done_position IS NOT NULL;

-- One row per try of a webhook delivery, kept for 30 days.
CREATE TABLE {{work}}.delivery_attempts (
    delivery_id text        NOT NULL,
    number      integer     NOT NULL,
    endpoint_id text        NOT NULL,
    merchant_id text        NOT NULL,
    started_at  timestamptz NOT NULL,
    duration_ms integer     NOT NULL,
    status      integer,
    error_class text        NOT NULL DEFAULT '',
    address     text        NOT NULL DEFAULT '',
    response    bytea,
    next_at     timestamptz,
    CONSTRAINT delivery_attempts_key PRIMARY KEY (delivery_id, number)
);

CREATE INDEX delivery_attempts_started ON {{work}}.delivery_attempts (started_at);

-- What acquirers told us of their own accord: stored and acknowledged first,
-- acted on afterwards.
CREATE TABLE {{work}}.notifications (
    acquirer    text        NOT NULL,
    id          text        NOT NULL,
    key         text        NOT NULL,
    received_at timestamptz NOT NULL,
    header      json        NOT NULL,
    body        bytea       NOT NULL,
    handled_at  timestamptz,
    CONSTRAINT notifications_key PRIMARY KEY (acquirer, id)
);

CREATE INDEX notifications_open ON {{work}}.notifications (received_at) WHERE handled_at IS NULL;
