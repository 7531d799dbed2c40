-- How often acquirers were asked in vain what became of a call, by the key that they
-- got. Rows are kept for 30 days after the last time. Losing them costs a figure that
-- people look at.
SET LOCAL ROLE tender_app;

CREATE TABLE {{work}}.inquiries (
    key         text        NOT NULL,
    asked       integer     NOT NULL,
    asked_at    timestamptz NOT NULL, -- the last time
    last_answer text        NOT NULL, -- none, or what left it open
    CONSTRAINT inquiries_key PRIMARY KEY (key)
);

CREATE INDEX inquiries_asked ON {{work}}.inquiries (asked_at);
