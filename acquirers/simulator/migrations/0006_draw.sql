-- Draws are a statement of the server's now, which performs several in a transaction.
drop function simulator.draw(simulator.kind, text, bytea, text, text, bigint, text, timestamptz);
