-- The vault: owners' wrapped keys and what they seal. Only tender_vault comes in.
revoke all on schema vault from public;

create table vault.migrations (
    number     int primary key,
    name       text not null,
    applied_at timestamptz not null default now()
);

-- One key per owner. Deleting the row is how an owner's secrets are destroyed.
create table vault.keys (
    id             uuid primary key,
    owner          text not null unique check (owner <> ''),
    master_id      text not null,
    master_version int not null check (master_version > 0),
    wrapped        bytea not null,
    created_at     timestamptz not null default now()
);

-- An entry names the key that sealed it, so that it can't outlive that key or be
-- taken for one of a later key.
create table vault.entries (
    ref        text primary key,
    owner      text not null,
    field      text not null,
    key_id     uuid not null references vault.keys (id) on delete cascade,
    sealed     bytea not null,
    named      boolean not null default false,
    created_at timestamptz not null default now()
);
create index entries_by_key on vault.entries (key_id);
-- What a sweep still has to ask about.
create index entries_unnamed on vault.entries (ref) where not named;

grant usage on schema vault to tender_vault;
grant select on vault.migrations to tender_vault;
grant select, insert, delete on vault.keys, vault.entries to tender_vault;
grant update (master_id, master_version, wrapped) on vault.keys to tender_vault;
grant update (named) on vault.entries to tender_vault;
