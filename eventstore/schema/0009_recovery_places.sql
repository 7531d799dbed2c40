-- A recovery goes through the log by positions: the times of events on test clocks are
-- in no order.
SET LOCAL ROLE tender_app;

ALTER TABLE {{work}}.recoveries DROP COLUMN place_at;
