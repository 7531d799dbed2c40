-- An owner that was destroyed keeps its row, without the key: nobody can make a
-- new key under the same name.
alter table vault.keys
    alter column master_id drop not null,
    alter column master_version drop not null,
    alter column wrapped drop not null,
    add column destroyed_at timestamptz,
    add constraint key_or_destroyed check (
        case when destroyed_at is null
             then num_nulls(master_id, master_version, wrapped) = 0
             else num_nonnulls(master_id, master_version, wrapped) = 0 end);
create index keys_by_master on vault.keys (master_id, master_version) where wrapped is not null;

-- Since when an entry is in doubt: a sweep asks about it a while later.
alter table vault.entries add column doubted_at timestamptz not null default now();
update vault.entries set doubted_at = created_at;

-- Versions of a master key that wrap nothing any more: what they still wrap is
-- moved to the current one, and nothing new can slip under them meanwhile.
create table vault.closed_masters (
    master_id      text not null,
    master_version int not null,
    closed_at      timestamptz not null default now(),
    primary key (master_id, master_version)
);

revoke delete on vault.keys from tender_vault;
grant update (destroyed_at) on vault.keys to tender_vault;
grant update (doubted_at) on vault.entries to tender_vault;
grant select, insert on vault.closed_masters to tender_vault;
