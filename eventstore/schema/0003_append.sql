-- append(): the one way into the log. It takes a batch of commands as arrays,
-- judges each by itself, and adds those that hold.
SET LOCAL ROLE tender_owner;

-- Arguments come in six groups of parallel arrays. c_: the commands; q_: the
-- idempotency keys they take; a_: the answers they bring; x_: the versions they
-- expect; e_: their events, each of the stream of expectation number e_x; k_: the
-- look-up keys they claim. *_cmd counts the commands of the batch from 1.
--
-- The caller sees to it that within a batch no stream is written by one command
-- and named by another, and that no command id, idempotency key or look-up key
-- is named by two.
--
-- Outcomes: 0 appended, 1 duplicate, 2 another version, 3 idempotency key taken,
-- 4 look-up key taken, 5 time before the stream's last.
CREATE FUNCTION {{log}}.append(
    c_id uuid[], c_merchant text[], c_request text[], c_causation uuid[], c_actor_kind text[], c_actor_id text[],
    q_cmd integer[], q_kind text[], q_key text[], q_fingerprints json[], q_stream text[],
    a_cmd integer[], a_command uuid[], a_status integer[], a_stream text[], a_version integer[], a_refusal json[],
    x_cmd integer[], x_stream text[], x_version integer[],
    e_x integer[], e_type text[], e_schema integer[], e_id uuid[], e_at timestamptz[], e_effective timestamptz[], e_payload json[],
    k_cmd integer[], k_kind text[], k_value text[], k_stream text[], k_soft boolean[]
) RETURNS TABLE (outcome integer, first bigint, last bigint, detail json)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    -- Plans must not depend on what the statistics happen to say.
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    r           record;
    e           record;
    v_position  bigint := 0;
    v_hash      bytea := decode(repeat('00', 32), 'hex');
    v_recorded  timestamptz := '-infinity';
    v_now       timestamptz;
    v_outcome   integer[] := array_fill(0, ARRAY[cardinality(c_id)]);
    v_first     bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(c_id)]);
    v_last      bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(c_id)]);
    v_detail    json[] := array_fill(NULL::json, ARRAY[cardinality(c_id)]);
    v_head      integer[]; -- of each expectation: the stream's version,
    v_head_at   timestamptz[]; -- and its last event's time
    v_event     integer[] := '{}'; -- of each event that is appended: its number among the arguments,
    v_version   integer[] := '{}'; -- its version,
    v_hashes    bytea[] := '{}'; -- and its hash
    v_x         integer;
    v_cmd       integer;
BEGIN
    -- The lock comes first and is held to the commit, so that every statement
    -- below sees the last commit: under READ COMMITTED each takes its own
    -- snapshot, and only under READ COMMITTED.
    PERFORM pg_advisory_xact_lock({{lock}});
    IF current_setting('transaction_isolation') <> 'read committed' OR current_setting('client_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'append needs READ COMMITTED and client_encoding UTF8'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;

    SELECT position, hash, recorded_at INTO r FROM {{log}}.events ORDER BY position DESC LIMIT 1;
    IF FOUND THEN
        v_position := r.position;
        v_hash := r.hash;
        v_recorded := r.recorded_at;
    END IF;
    v_now := greatest(clock_timestamp(), v_recorded);

    -- Commands that are in the log already.
    FOR r IN
        SELECT c.n::integer AS cmd, c.id
        FROM unnest(c_id) WITH ORDINALITY AS c(id, n)
        CROSS JOIN LATERAL (SELECT FROM {{log}}.events WHERE command_id = c.id LIMIT 1) AS e
    LOOP
        v_outcome[r.cmd] := 1;
        FOR e IN SELECT position FROM {{log}}.events WHERE command_id = r.id LOOP
            v_first[r.cmd] := least(v_first[r.cmd], e.position);
            v_last[r.cmd] := greatest(v_last[r.cmd], e.position);
        END LOOP;
    END LOOP;
    IF cardinality(a_cmd) > 0 THEN
        FOR r IN
            SELECT a.cmd
            FROM unnest(a_cmd, a_command) AS a(cmd, command)
            CROSS JOIN LATERAL (SELECT settled_by FROM {{log}}.idempotency_answer
                WHERE command_id = a.command AND command_recorded_at <= v_now
                ORDER BY command_recorded_at DESC LIMIT 1) AS s
            WHERE s.settled_by = c_id[a.cmd]
        LOOP
            v_outcome[r.cmd] := 1;
        END LOOP;
    END IF;

    -- Idempotency keys come before the versions. A key whose answer has stood for
    -- 24 hours is free again.
    IF cardinality(q_cmd) > 0 THEN
        FOR r IN
            SELECT q.cmd, i.command_id, i.fingerprints, i.stream, i.recorded_at,
                s.recorded_at AS answered_at, s.status, s.stream AS answer_stream, s.version AS answer_version, s.refusal
            FROM unnest(q_cmd, q_kind, q_key) AS q(cmd, kind, key)
            CROSS JOIN LATERAL (SELECT * FROM {{log}}.idempotency_command
                WHERE merchant_id = c_merchant[q.cmd] AND kind = q.kind AND key = q.key AND recorded_at <= v_now
                ORDER BY recorded_at DESC LIMIT 1) AS i
            LEFT JOIN LATERAL (SELECT * FROM {{log}}.idempotency_answer
                WHERE command_id = i.command_id AND command_recorded_at = i.recorded_at LIMIT 1) AS s ON true
        LOOP
            IF v_outcome[r.cmd] <> 0 THEN
                CONTINUE;
            ELSIF r.command_id = c_id[r.cmd] THEN
                v_outcome[r.cmd] := 1;
            ELSIF r.answered_at IS NULL OR r.answered_at > v_now - interval '24 hours' THEN
                v_outcome[r.cmd] := 3;
                v_detail[r.cmd] := json_build_object('command_id', r.command_id, 'fingerprints', r.fingerprints,
                    'stream', r.stream, 'recorded_at', r.recorded_at, 'answered', r.answered_at IS NOT NULL,
                    'status', r.status, 'answer_stream', r.answer_stream, 'answer_version', r.answer_version,
                    'refusal', r.refusal);
            END IF;
        END LOOP;
    END IF;

    -- Versions.
    IF cardinality(x_cmd) > 0 THEN
        SELECT array_agg(coalesce(h.version, 0) ORDER BY x.n), array_agg(coalesce(h.at, '-infinity') ORDER BY x.n)
        INTO v_head, v_head_at
        FROM unnest(x_stream) WITH ORDINALITY AS x(stream, n)
        LEFT JOIN LATERAL (SELECT version, at FROM {{log}}.events
            WHERE stream = x.stream ORDER BY version DESC LIMIT 1) AS h ON true;
        FOR i IN 1..cardinality(x_cmd) LOOP
            IF v_head[i] <> x_version[i] AND v_outcome[x_cmd[i]] = 0 THEN
                v_outcome[x_cmd[i]] := 2;
                v_detail[x_cmd[i]] := json_build_object('stream', x_stream[i], 'expected', x_version[i], 'actual', v_head[i]);
            END IF;
        END LOOP;
    END IF;

    -- Look-up keys that another stream holds. A soft one is only reported.
    IF cardinality(k_cmd) > 0 THEN
        FOR r IN
            SELECT k.cmd, k.kind, k.value, k.stream, k.soft
            FROM unnest(k_cmd, k_kind, k_value, k_stream, k_soft) WITH ORDINALITY AS k(cmd, kind, value, stream, soft, n)
            CROSS JOIN LATERAL (SELECT stream FROM {{log}}.claims
                WHERE kind = k.kind AND value = k.value LIMIT 1) AS held
            WHERE held.stream <> k.stream
            ORDER BY k.soft, k.n
        LOOP
            IF NOT r.soft AND v_outcome[r.cmd] = 0 THEN
                v_outcome[r.cmd] := 4;
                v_detail[r.cmd] := json_build_object('kind', r.kind, 'value', r.value, 'stream', r.stream);
            ELSIF r.soft AND v_outcome[r.cmd] IN (0, 1) THEN
                v_detail[r.cmd] := (coalesce(v_detail[r.cmd]::jsonb, '[]')
                    || jsonb_build_object('kind', r.kind, 'value', r.value, 'stream', r.stream))::json;
            END IF;
        END LOOP;
    END IF;

    -- A stream's time never runs backwards.
    FOR i IN 1..cardinality(e_x) LOOP
        v_x := e_x[i];
        IF e_at[i] < v_head_at[v_x] AND v_outcome[x_cmd[v_x]] = 0 THEN
            v_outcome[x_cmd[v_x]] := 5;
            v_detail[x_cmd[v_x]] := json_build_object('stream', x_stream[v_x], 'at', e_at[i], 'last', v_head_at[v_x]);
        END IF;
        v_head_at[v_x] := e_at[i];
    END LOOP;

    -- What holds is numbered and chained. record_send is a length-prefixed encoding
    -- of every column, in this order.
    FOR i IN 1..cardinality(e_x) LOOP
        v_x := e_x[i];
        v_cmd := x_cmd[v_x];
        CONTINUE WHEN v_outcome[v_cmd] <> 0;
        v_position := v_position + 1;
        v_head[v_x] := v_head[v_x] + 1;
        v_hash := sha256(v_hash || record_send(ROW(1, v_position, x_stream[v_x], v_head[v_x], e_type[i], e_schema[i],
            e_id[i], c_id[v_cmd], c_merchant[v_cmd], e_at[i], e_effective[i], v_now, c_request[v_cmd], c_causation[v_cmd],
            c_actor_kind[v_cmd], c_actor_id[v_cmd], e_payload[i])));
        v_event := array_append(v_event, i);
        v_version := array_append(v_version, v_head[v_x]);
        v_hashes := array_append(v_hashes, v_hash);
        v_last[v_cmd] := v_position;
        IF v_first[v_cmd] IS NULL THEN
            v_first[v_cmd] := v_position;
        END IF;
    END LOOP;
    IF cardinality(v_event) > 0 THEN
        v_position := v_position - cardinality(v_event);
        INSERT INTO {{log}}.events (position, stream, version, type, schema_version, event_id, command_id, merchant_id,
            at, effective_at, recorded_at, request_id, causation, actor_kind, actor_id, payload, hash)
        SELECT v_position + n, x_stream[e_x[e]], version, e_type[e], e_schema[e], e_id[e], c_id[x_cmd[e_x[e]]],
            c_merchant[x_cmd[e_x[e]]], e_at[e], e_effective[e], v_now, c_request[x_cmd[e_x[e]]],
            c_causation[x_cmd[e_x[e]]], c_actor_kind[x_cmd[e_x[e]]], c_actor_id[x_cmd[e_x[e]]], e_payload[e], hash
        FROM unnest(v_event, v_version, v_hashes) WITH ORDINALITY AS v(e, version, hash, n);
    END IF;

    IF cardinality(k_cmd) > 0 THEN
        -- What is held already is held by the same stream, or was asked for softly.
        INSERT INTO {{log}}.claims (kind, value, stream)
        SELECT k.kind, k.value, k.stream
        FROM unnest(k_cmd, k_kind, k_value, k_stream) AS k(cmd, kind, value, stream)
        LEFT JOIN LATERAL (SELECT true AS held FROM {{log}}.claims
            WHERE kind = k.kind AND value = k.value LIMIT 1) AS h ON true
        WHERE v_outcome[k.cmd] = 0 AND h.held IS NULL;
    END IF;

    IF cardinality(q_cmd) > 0 THEN
        -- keep_partitions() is days ahead; should nobody have called it, payments go on.
        PERFORM {{log}}.make_partition((v_now AT TIME ZONE 'UTC')::date);
        INSERT INTO {{log}}.idempotency_command (merchant_id, kind, key, command_id, fingerprints, stream, recorded_at)
        SELECT c_merchant[q.cmd], q.kind, q.key, c_id[q.cmd], q.fingerprints, q.stream, v_now
        FROM unnest(q_cmd, q_kind, q_key, q_fingerprints, q_stream) AS q(cmd, kind, key, fingerprints, stream)
        WHERE v_outcome[q.cmd] = 0;
    END IF;

    IF cardinality(a_cmd) > 0 THEN
        INSERT INTO {{log}}.idempotency_answer (command_id, command_recorded_at, status, stream, version, refusal,
            settled_by, recorded_at)
        SELECT a.command, i.recorded_at, a.status, a.stream, a.version, a.refusal, c_id[a.cmd], v_now
        FROM unnest(a_cmd, a_command, a_status, a_stream, a_version, a_refusal)
            AS a(cmd, command, status, stream, version, refusal)
        CROSS JOIN LATERAL (SELECT recorded_at FROM {{log}}.idempotency_command
            WHERE command_id = a.command AND recorded_at <= v_now ORDER BY recorded_at DESC LIMIT 1) AS i
        WHERE v_outcome[a.cmd] = 0
        ON CONFLICT (command_id, command_recorded_at) DO NOTHING;
    END IF;

    RETURN QUERY SELECT * FROM unnest(v_outcome, v_first, v_last, v_detail);
END
$$;

REVOKE ALL ON FUNCTION {{log}}.append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{log}}.append TO tender_app;
