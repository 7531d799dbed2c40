-- The log itself. Rows are only ever inserted, and only by append().
SET LOCAL ROLE tender_owner;

CREATE TABLE {{log}}.events (
    position       bigint      NOT NULL CHECK (position > 0),
    stream         text COLLATE "C"        NOT NULL CHECK (stream <> ''),
    version        integer     NOT NULL CHECK (version > 0),
    type           text COLLATE "C"        NOT NULL CHECK (type <> ''),
    schema_version integer     NOT NULL CHECK (schema_version > 0),
    event_id       uuid        NOT NULL,
    command_id     uuid        NOT NULL,
    merchant_id    text COLLATE "C"        NOT NULL,
    at             timestamptz NOT NULL,
    effective_at   timestamptz,
    recorded_at    timestamptz NOT NULL,
    request_id     text COLLATE "C"        NOT NULL,
    causation      uuid,
    actor_kind     text COLLATE "C"        NOT NULL,
    actor_id       text COLLATE "C"        NOT NULL,
    payload        json        NOT NULL, -- json, not jsonb: the bytes that were hashed
    hash           bytea       NOT NULL CHECK (octet_length(hash) = 32),
    CONSTRAINT events_position PRIMARY KEY (position),
    CONSTRAINT events_stream UNIQUE (stream, version)
);

CREATE INDEX events_command ON {{log}}.events (command_id);

-- Look-up keys that streams have claimed: the only index that is kept with the log.
CREATE TABLE {{log}}.claims (
    kind   text COLLATE "C" NOT NULL,
    value  text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    CONSTRAINT claims_key PRIMARY KEY (kind, value)
);

-- One row per command that came with an idempotency key. Partitions by day are
-- made and dropped by keep_partitions().
CREATE TABLE {{log}}.idempotency_command (
    merchant_id  text COLLATE "C"        NOT NULL,
    kind         text COLLATE "C"        NOT NULL,
    key          text COLLATE "C"        NOT NULL,
    command_id   uuid        NOT NULL,
    fingerprints json        NOT NULL,
    stream       text COLLATE "C"        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT idempotency_command_id UNIQUE (command_id, recorded_at)
) PARTITION BY RANGE (recorded_at);

CREATE INDEX idempotency_command_key ON {{log}}.idempotency_command (merchant_id, kind, key, recorded_at);

-- What such a command was finally told. An answer lies in the partition of its
-- command's day, so that both leave together.
CREATE TABLE {{log}}.idempotency_answer (
    command_id          uuid        NOT NULL,
    command_recorded_at timestamptz NOT NULL,
    status              integer     NOT NULL,
    stream              text COLLATE "C"        NOT NULL,
    version             integer     NOT NULL,
    refusal             json,
    settled_by          uuid        NOT NULL, -- the command that brought the answer
    recorded_at         timestamptz NOT NULL,
    CONSTRAINT idempotency_answer_id UNIQUE (command_id, command_recorded_at)
) PARTITION BY RANGE (command_recorded_at);

CREATE FUNCTION {{log}}.refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: the log is only ever added to', tg_op, tg_table_schema, tg_table_name
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {{log}}.events
    FOR EACH STATEMENT EXECUTE FUNCTION {{log}}.refuse_change();
ALTER TABLE {{log}}.events ENABLE ALWAYS TRIGGER immutable;

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {{log}}.claims
    FOR EACH STATEMENT EXECUTE FUNCTION {{log}}.refuse_change();
ALTER TABLE {{log}}.claims ENABLE ALWAYS TRIGGER immutable;

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {{log}}.idempotency_command
    FOR EACH STATEMENT EXECUTE FUNCTION {{log}}.refuse_change();
ALTER TABLE {{log}}.idempotency_command ENABLE ALWAYS TRIGGER immutable;

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {{log}}.idempotency_answer
    FOR EACH STATEMENT EXECUTE FUNCTION {{log}}.refuse_change();
ALTER TABLE {{log}}.idempotency_answer ENABLE ALWAYS TRIGGER immutable;

GRANT USAGE ON SCHEMA {{log}} TO tender_app;
GRANT SELECT ON {{log}}.events, {{log}}.claims, {{log}}.idempotency_command, {{log}}.idempotency_answer TO tender_app;
