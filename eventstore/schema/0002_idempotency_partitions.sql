-- Idempotency rows live in partitions by day (UTC), so that they can leave
-- without a DELETE.
SET LOCAL ROLE tender_owner;

-- Makes the two partitions of a day, if they are missing. A table is made first
-- and attached then: that doesn't wait for readers of the other partitions, such
-- as a running backup.
CREATE FUNCTION {{log}}.make_partition(day date) RETURNS boolean LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent    text;
    partition text;
BEGIN
    IF to_regclass(format('%I.%I', {{log:literal}}, 'idempotency_answer_' || to_char(day, 'YYYYMMDD'))) IS NOT NULL THEN
        RETURN false;
    END IF;
    FOREACH parent IN ARRAY ARRAY['idempotency_command', 'idempotency_answer'] LOOP
        partition := parent || '_' || to_char(day, 'YYYYMMDD');
        EXECUTE format('CREATE TABLE %1$I.%3$I (LIKE %1$I.%2$I INCLUDING ALL)', {{log:literal}}, parent, partition);
        EXECUTE format('CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON %1$I.%2$I'
            || ' FOR EACH STATEMENT EXECUTE FUNCTION %1$I.refuse_change()', {{log:literal}}, partition);
        EXECUTE format('ALTER TABLE %1$I.%2$I ENABLE ALWAYS TRIGGER immutable', {{log:literal}}, partition);
        EXECUTE format('ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L)',
            {{log:literal}}, parent, partition,
            to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
    END LOOP;
    RETURN true;
END
$$;

-- Makes the partitions of the days ahead and drops each past one in which every
-- command has been answered for 24 hours. Whether that is so can't change any
-- more for a day that is over, so it is found out before the lock is taken; the
-- lock comes before the drop, so that an append is never caught in the middle.
CREATE FUNCTION {{log}}.keep_partitions(OUT made integer, OUT dropped integer) LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '500ms'
    SET timezone = 'UTC'
AS $$
DECLARE
    today     date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    day       date;
    suffix    text;
    settled   boolean;
    droppable text[] := '{}';
BEGIN
    made := 0;
    dropped := 0;
    FOR suffix IN
        SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = format('%I.idempotency_command', {{log:literal}})::regclass
    LOOP
        day := to_date(suffix, 'YYYYMMDD');
        -- An append that began before midnight may still be under way shortly after.
        CONTINUE WHEN day >= today OR clock_timestamp() < day + 1 + interval '1 hour';
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %1$I.%2$I c WHERE NOT EXISTS (SELECT FROM %1$I.%3$I a'
            || ' WHERE a.command_id = c.command_id AND a.command_recorded_at = c.recorded_at'
            || ' AND a.recorded_at <= clock_timestamp() - interval %4$L))',
            {{log:literal}}, 'idempotency_command_' || suffix, 'idempotency_answer_' || suffix, '24 hours')
            INTO settled;
        IF settled THEN
            droppable := droppable || suffix;
        END IF;
    END LOOP;

    PERFORM pg_advisory_xact_lock({{lock}});
    FOR n IN 0..{{days_ahead}} LOOP
        IF {{log}}.make_partition(today + n) THEN
            made := made + 1;
        END IF;
    END LOOP;
    FOREACH suffix IN ARRAY droppable LOOP
        BEGIN
            -- Another process may have been here meanwhile.
            EXECUTE format('DROP TABLE IF EXISTS %1$I.%2$I, %1$I.%3$I',
                {{log:literal}}, 'idempotency_answer_' || suffix, 'idempotency_command_' || suffix);
            dropped := dropped + 1;
        EXCEPTION WHEN lock_not_available THEN
            -- Somebody reads, a backup perhaps. Nobody waits for it behind us: the next call drops.
            EXIT;
        END;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION {{log}}.make_partition(date), {{log}}.keep_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{log}}.keep_partitions() TO tender_app;

SELECT {{log}}.keep_partitions();
