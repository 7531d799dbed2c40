-- Accounts: customers pay from them at their bank, or by approving on their telephone.
--
-- No telephone number stands here: the book keeps its last four digits, in last4, and
-- how it behaves.

alter table simulator.operations
    -- The kind of account; '' where a card pays.
    add column account  text not null default '',
    -- Where the customer chose one.
    add column bank     text not null default '',
    -- Whom the customer is shown that they pay.
    add column payee    text not null default '',
    -- What the customer decided on the page that they were sent to, or on their telephone.
    add column decision text not null default '' check (decision in ('', 'approved', 'refused'));

grant update (decision) on simulator.operations to tender_simulator;

-- What goes on by itself after a while: few, and looked for whenever a server starts.
drop index simulator.operations_refunds_to_fail;
create index operations_unfinished on simulator.operations (key)
    where kind = 'refund' and status = 'approved' and behaviour = 'refund_fails_late'
       or kind = 'authorisation' and status = 'pending'
          and behaviour in ('approves_itself', 'refuses_itself', 'answer_lost', 'told_late')
       or kind = 'authorisation' and status = 'closed' and decision = 'approved'
          and behaviour = 'pays_after_the_end';
