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
    -- What the customer decided on the page that they were sent to, or on their
    -- telephone: approved or refused; '' where they have not.
    add column decision text not null default '';

grant update (decision) on simulator.operations to tender_simulator;

-- What may go on by itself after a while: few, and looked for whenever a server starts.
drop index simulator.operations_refunds_to_fail;
create index operations_unfinished on simulator.operations (key)
    where behaviour in ('refund_fails_late', 'approves_itself', 'refuses_itself', 'answer_lost', 'told_late',
                        'pays_after_the_end');
