-- Refunds: what was captured goes back to the customer, in one piece or in several.

-- Of what was captured. It falls again where a refund fails in the end.
alter table simulator.authorisations
    add column refunded bigint not null default 0,
    add check (refunded >= 0 and refunded <= captured);

alter table simulator.operations drop constraint operations_check;
alter table simulator.operations add constraint operations_check
    check (amount >= 0
           and (status = 'declined') = (error_code <> '')
           and (kind in ('capture', 'void', 'refund')) = (authorisation <> '')
           and (kind <> 'unknown' or status = 'closed'));

-- Refunds that will fail: few, and looked for whenever a server starts.
create index operations_refunds_to_fail on simulator.operations (key)
    where kind = 'refund' and status = 'approved' and behaviour = 'refund_fails_late';

-- draw performs a capture, a void or a refund, at most once per key, and returns what the
-- key stands for. The authorisation's row is locked first and the key is taken
-- after that, always in this order; nothing that holds a key waits for an
-- authorisation, so no two can wait for each other.
create or replace function simulator.draw(
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
    elsif p_kind = 'refund' and p_amount > a.captured - a.refunded then
        refusal := 'The amount exceeds what was captured and not refunded.';
    elsif p_kind = 'refund' and a.behaviour = 'refund_declined' then
        refusal := 'The test card declines every refund.';
        code := 'card_declined';
        decline := 'generic_decline';
    elsif p_kind = 'refund' then
        lost := a.behaviour = 'refund_lost';
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
               voided   = voided   + case when p_kind = 'void'    then p_amount else 0 end,
               refunded = refunded + case when p_kind = 'refund'  then p_amount else 0 end
         where reference = p_authorisation;
    end if;
    return next o;
end
$$;

grant update (refunded) on simulator.authorisations to tender_simulator;
