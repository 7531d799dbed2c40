-- What the limits against abuse at the checkout count. Losing it lets somebody try
-- again before their time, and harms nobody else.
SET LOCAL ROLE tender_app;

-- Attempts that failed lately, by what they are counted for. An entry counts until
-- its time and is swept after it.
CREATE TABLE {{work}}.failed_attempts (
    subject bytea       NOT NULL, -- an HMAC, of an address, a card's number or a telephone's
    part    text        NOT NULL, -- of an address a span of seconds, of the others a session
    failed  integer     NOT NULL,
    until   timestamptz NOT NULL,
    CONSTRAINT failed_attempts_key PRIMARY KEY (subject, part)
);

CREATE INDEX failed_attempts_until ON {{work}}.failed_attempts (until);

-- Attempts that their process no longer waits for and whose outcome, which any
-- process may record, has to be counted for these subjects.
CREATE TABLE {{work}}.outstanding_attempts (
    key        text        NOT NULL, -- of the acquirer's operation
    session_id text        NOT NULL,
    address    bytea       NOT NULL, -- empty: none is known
    means      bytea       NOT NULL, -- of what pays; empty: neither a card nor a telephone
    asked      boolean     NOT NULL, -- a telephone was, which has counted since
    until      timestamptz NOT NULL,
    CONSTRAINT outstanding_attempts_key PRIMARY KEY (key)
);

CREATE INDEX outstanding_attempts_until ON {{work}}.outstanding_attempts (until);

-- What became of merchants' attempts, by spans of seconds.
CREATE TABLE {{work}}.merchant_attempts (
    merchant_id text        NOT NULL,
    span        timestamptz NOT NULL, -- its beginning
    attempts    integer     NOT NULL,
    failed      integer     NOT NULL,
    CONSTRAINT merchant_attempts_key PRIMARY KEY (merchant_id, span)
);

CREATE INDEX merchant_attempts_span ON {{work}}.merchant_attempts (span);

-- Merchants that are slowed, and when a place comes free for another attempt. That
-- one is slowed, its stream says.
CREATE TABLE {{work}}.slowed_merchants (
    merchant_id text        NOT NULL,
    free_at     timestamptz NOT NULL,
    CONSTRAINT slowed_merchants_key PRIMARY KEY (merchant_id)
);
