-- The simulator's book: what it was asked under each key, and what it did.
--
-- No card number and no CVC stands here: of a card the book keeps how it
-- behaves, its scheme, its first six digits and its last four.

-- 'unknown': the key was closed before any request with it arrived.
create type simulator.kind as enum ('authorisation', 'capture', 'void', 'unknown');
create type simulator.status as enum ('approved', 'declined', 'action_required', 'closed');

-- One row per key, for ever. Absent text is the empty string. PostgreSQL reads
-- every check anew for every statement: only those stand here that money rests on.
create table simulator.operations (
    key                    text              primary key,
    kind                   simulator.kind    not null,
    status                 simulator.status  not null,
    -- SHA-256 over the request without number and CVC; tells a repeated request from another one.
    fingerprint            bytea,
    -- Drawn anew by every try: the try whose reference stands here performed the operation.
    reference              text              not null unique,
    -- The reference of the authorisation that a capture or void draws on.
    authorisation          text              not null default '',
    amount                 bigint            not null default 0,
    currency               text              not null default '',
    -- An authorisation that takes the money at once.
    sale                   boolean           not null default false,
    initiator              text              not null default '',
    behaviour              text              not null default '',
    scheme                 text              not null default '',
    bin                    text              not null default '',
    last4                  text              not null default '',
    error_code             text              not null default '',
    decline_code           text              not null default '',
    message                text              not null default '',
    three_d_secure         text              not null default '',
    network_transaction_id text              not null default '',
    -- The answer to the request that performed the operation is lost on its way.
    answer_lost            boolean           not null default false,
    challenge_token        text              not null default '',
    return_url             text              not null default '',
    effective_at           timestamptz       not null,
    expires_at             timestamptz,
    recorded_at            timestamptz       not null default clock_timestamp(),

    check (amount >= 0
           and (status = 'declined') = (error_code <> '')
           and (kind in ('capture', 'void')) = (authorisation <> '')
           and (kind <> 'unknown' or status = 'closed'))
);

create unique index operations_challenge_token on simulator.operations (challenge_token)
    where challenge_token <> '';

-- One row per approved authorisation: what is left of it. The check is the
-- last word on money: no code path can draw more than was authorised.
create table simulator.authorisations (
    reference  text        primary key,
    currency   text        not null,
    amount     bigint      not null,
    captured   bigint      not null default 0,
    voided     bigint      not null default 0,
    behaviour  text        not null,
    expires_at timestamptz,
    check (captured >= 0 and voided >= 0 and captured + voided <= amount)
) with (fillfactor = 80);

-- How often each series of merchant-initiated payments has had its turn, for
-- cards that answer by count.
create table simulator.turns (
    series text   primary key,
    count  bigint not null check (count > 0)
);

-- Messages to the caller, kept until they are acknowledged.
create table simulator.notifications (
    id              text        primary key,
    key             text        not null references simulator.operations (key),
    body            bytea       not null,
    attempts        integer     not null default 0 check (attempts >= 0),
    -- When it may be sent (again). A sender moves this ahead before it sends, so
    -- that no other sends meanwhile and one that dies is followed by another.
    next_at         timestamptz not null,
    last_error      text        not null default '',
    acknowledged_at timestamptz
);

create index notifications_due on simulator.notifications (next_at) where acknowledged_at is null;

-- draw performs a capture or a void, at most once per key, and returns what the
-- key stands for. The authorisation's row is locked first and the key is taken
-- after that, always in this order; nothing that holds a key waits for an
-- authorisation, so no two can wait for each other.
create function simulator.draw(
    p_kind simulator.kind, p_key text, p_fingerprint bytea, p_reference text,
    p_authorisation text, p_amount bigint, p_currency text, p_at timestamptz
) returns setof simulator.operations language plpgsql as $$
declare
    a simulator.authorisations;
    o simulator.operations;
    refusal text := '';
    code    text := 'processing_error';
    decline text := '';
    lost    boolean := false;
begin
    select * into a from simulator.authorisations
     where reference = p_authorisation for no key update;

    if a.reference is null then
        refusal := 'There is no approved authorisation with this reference.';
    elsif a.currency <> p_currency then
        refusal := 'The authorisation is in another currency.';
    elsif p_amount > a.amount - a.captured - a.voided then
        refusal := 'The amount exceeds what remains of the authorisation.';
    elsif p_kind = 'capture' and a.expires_at <= p_at then
        refusal := 'The authorisation has expired.';
    elsif p_kind = 'capture' and a.behaviour = 'capture_declined' then
        refusal := 'The test card declines every capture.';
        code := 'card_declined';
        decline := 'generic_decline';
    elsif p_kind = 'capture' and a.behaviour = 'first_capture_lost' and a.captured = 0 then
        lost := true;
    end if;

    insert into simulator.operations (key, kind, status, fingerprint, reference, authorisation, amount,
                                      currency, behaviour, error_code, decline_code, message,
                                      answer_lost, effective_at)
    values (p_key, p_kind, (case when refusal = '' then 'approved' else 'declined' end)::simulator.status, p_fingerprint,
            p_reference, p_authorisation, p_amount, p_currency, coalesce(a.behaviour, ''),
            case when refusal = '' then '' else code end, decline, refusal, lost, p_at)
    on conflict (key) do nothing
    returning * into o;

    if not found then
        return query select * from simulator.operations where key = p_key;
        return;
    end if;

    if o.status = 'approved' then
        update simulator.authorisations
           set captured = captured + case when p_kind = 'capture' then p_amount else 0 end,
               voided   = voided   + case when p_kind = 'void'    then p_amount else 0 end
         where reference = p_authorisation;
    end if;
    return next o;
end
$$;

-- The server may add to its book and finish what is unfinished; what an
-- operation was about never changes, and nothing is ever deleted.
grant usage on schema simulator to tender_simulator;
grant select on all tables in schema simulator to tender_simulator;
grant insert on simulator.operations, simulator.authorisations, simulator.turns, simulator.notifications
    to tender_simulator;
grant update (status, error_code, decline_code, message, three_d_secure, network_transaction_id,
              effective_at, expires_at) on simulator.operations to tender_simulator;
grant update (captured, voided) on simulator.authorisations to tender_simulator;
grant update (count) on simulator.turns to tender_simulator;
grant update (attempts, next_at, last_error, acknowledged_at) on simulator.notifications to tender_simulator;
revoke execute on all functions in schema simulator from public;
grant execute on all functions in schema simulator to tender_simulator;

-- Backups, where that role exists: it may read everything here.
do $$
begin
    if exists (select from pg_roles where rolname = 'tender_admin') then
        grant usage on schema simulator to tender_admin;
        grant select on all tables in schema simulator to tender_admin;
    end if;
end
$$;
