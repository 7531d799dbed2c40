-- A kind of its own for refunds. PostgreSQL uses a new value of a type only after
-- the transaction that adds it, so what refunds are made of comes in the next step.
alter type simulator.kind add value if not exists 'refund' before 'unknown';
