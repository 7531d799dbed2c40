-- A state of its own for payments that the customer approves elsewhere, or whose bank
-- has not answered. What is made of it comes in the next step, as with refunds.
alter type simulator.status add value if not exists 'pending' after 'action_required';
