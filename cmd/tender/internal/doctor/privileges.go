package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// asOwner is the command by which the admin does something as the log's owner.
func asOwner(sql string) string {
	return "`psql \"$DATABASE_ADMIN_URL\" -c \"SET ROLE tender_owner\" -c \"" + sql + "\"`"
}

func asSuperuser(sql string) string {
	return "`psql \"$TENDER_SUPERUSER_URL\" -c \"" + sql + "\"`"
}

// powers are attributes that none of the roles has.
var powers = []string{"SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS"}

// strong are PostgreSQL's own roles by which somebody could get around the log's.
var strong = []string{
	"tender_owner", "tender_admin", "pg_write_all_data", "pg_read_server_files", "pg_write_server_files", "pg_execute_server_program",
}

// roles looks at what the roles are.
func (e *exam) roles(ctx context.Context, c *chart) error {
	rows, err := e.app.Query(ctx, `SELECT rolname::text, rolcanlogin, ARRAY[rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls],
			ARRAY(SELECT s FROM unnest($1::text[]) AS s WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = s) AND NOT r.rolsuper
				AND s <> r.rolname AND pg_has_role(r.rolname, s, 'MEMBER'))
		FROM pg_roles r WHERE rolname IN ('tender_owner', 'tender_admin', 'tender_app', 'tender_vault', 'tender_simulator') ORDER BY rolname`, strong)
	if err != nil {
		return err
	}
	var name string
	var login bool
	var has []bool
	var member []string
	there := map[string]bool{}
	_, err = pgx.ForEachRow(rows, []any{&name, &login, &has, &member}, func() error {
		there[name] = true
		if name == roleOwner && login {
			c.fail("The log's owner can log in: who comes as it can change the log.", "pg_roles.rolcanlogin of tender_owner",
				"Take that back: "+asSuperuser("ALTER ROLE tender_owner NOLOGIN PASSWORD NULL")+".")
		}
		for i, power := range powers {
			if has[i] {
				c.fail(fmt.Sprintf("The role %s is %s.", name, power), "pg_roles", "Take that back: "+asSuperuser("ALTER ROLE "+name+" NO"+power)+".")
			}
		}
		if name == "tender_admin" {
			return nil
		}
		for _, of := range member {
			c.fail(fmt.Sprintf("The role %s is a member of %s, and can do what that can.", name, of), "pg_has_role",
				"Take that back: "+asSuperuser("REVOKE "+of+" FROM "+name)+".")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, role := range []string{"tender_owner", "tender_admin", "tender_app", "tender_vault"} {
		if !there[role] {
			c.fail("There is no role "+role+".", "pg_roles", "Make the roles with `tender migrate --create-roles`.")
		}
	}
	if !c.bad() {
		c.ok("The roles are no more than they should be; the log's owner can't log in.", "pg_roles, pg_auth_members")
	}
	return nil
}

// foreignSchemas sees to it that nobody sees the vault but its role.
func (e *exam) foreignSchemas(ctx context.Context, c *chart) error {
	rows, err := e.app.Query(ctx, `SELECT n.nspname::text, r.rolname::text FROM pg_namespace n CROSS JOIN pg_roles r
		WHERE n.nspname IN ('vault', 'simulator') AND r.rolname IN ('tender_app', 'tender_vault', 'tender_simulator')
		  AND r.rolname <> 'tender_' || n.nspname AND has_schema_privilege(r.oid, n.oid, 'USAGE')`)
	if err != nil {
		return err
	}
	var schema, role string
	_, err = pgx.ForEachRow(rows, []any{&schema, &role}, func() error {
		c.fail(fmt.Sprintf("The role %s reaches the schema %s.", role, schema), "has_schema_privilege",
			"Take that back: "+asSuperuser(fmt.Sprintf("REVOKE ALL ON SCHEMA %s FROM %s, PUBLIC", schema, role))+".")
		return nil
	})
	if err != nil {
		return err
	}
	if !c.bad() {
		c.ok("The vault and the simulator's book are their own roles' alone.", "has_schema_privilege")
	}
	return nil
}

// logTables are those that only append writes to.
var logTables = []string{"events", "claims", "idempotency_command", "idempotency_answer"}

// tables looks at who may do what with the log's tables: the owner everything, the
// application read.
func (p patient) tables(ctx context.Context, c *chart) error {
	schema := p.log.Schema()
	rows, err := p.app.Query(ctx, `SELECT c.relname::text, pg_get_userbyid(c.relowner)::text, has_table_privilege('tender_app', c.oid, 'SELECT')
		FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1`, schema)
	if err != nil {
		return err
	}
	var table, owner string
	var reads bool
	there := map[string]bool{}
	_, err = pgx.ForEachRow(rows, []any{&table, &owner, &reads}, func() error {
		there[table] = true
		if owner != roleOwner {
			c.fail(fmt.Sprintf("%s.%s belongs to %s, who can change it.", schema, table, owner), "pg_class.relowner",
				"Give it back: "+asSuperuser(fmt.Sprintf("ALTER TABLE %s.%s OWNER TO tender_owner", schema, table))+".")
		}
		if slices.Contains(logTables, table) && !reads {
			c.fail(fmt.Sprintf("The application can't read %s.%s.", schema, table), "has_table_privilege",
				"Let it: "+asOwner(fmt.Sprintf("GRANT SELECT ON %s.%s TO tender_app", schema, table))+".")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, table := range logTables {
		if !there[table] {
			c.fail(fmt.Sprintf("There is no table %s.%s.", schema, table), "pg_class", "Make it with `tender migrate`; if it was there, restore the database from a backup.")
		}
	}
	if err := p.grants(ctx, c); err != nil {
		return err
	}
	if !c.bad() {
		c.ok(fmt.Sprintf("Nobody but the owner, who can't log in, may change what is in %s.", schema), "pg_class.relacl, pg_attribute.attacl, pg_namespace.nspacl")
	}
	return nil
}

// grants looks for rights on the log's tables and schema that go beyond reading.
func (p patient) grants(ctx context.Context, c *chart) error {
	schema := p.log.Schema()
	rows, err := p.app.Query(ctx, `
		WITH granted AS (
			SELECT 'TABLE ' || format('%I.%I', $1::text, relname) AS thing, '' AS columns, relowner AS owner, a.*
			FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
			UNION ALL
			SELECT 'TABLE ' || format('%I.%I', $1::text, relname), format(' (%I)', attname), relowner, a.*
			FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN LATERAL aclexplode(t.attacl) a WHERE c.relnamespace = $1::regnamespace
			UNION ALL
			SELECT 'SCHEMA ' || quote_ident($1), '', nspowner, a.* FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a WHERE n.oid = $1::regnamespace
		)
		SELECT thing, columns, coalesce(quote_ident(pg_get_userbyid(nullif(grantee, 0))), 'PUBLIC'), privilege_type FROM granted
		WHERE grantee <> owner AND privilege_type NOT IN ('SELECT', 'USAGE') ORDER BY 1, 2, 3, 4`, schema)
	if err != nil {
		return err
	}
	var thing, columns, grantee, right string
	_, err = pgx.ForEachRow(rows, []any{&thing, &columns, &grantee, &right}, func() error {
		c.fail(fmt.Sprintf("%s may %s on %s%s.", grantee, right, strings.TrimPrefix(strings.TrimPrefix(thing, "TABLE "), "SCHEMA "), columns), "the access list of "+thing,
			"Take that back: "+asOwner(fmt.Sprintf("REVOKE %s%s ON %s FROM %s", right, columns, thing, grantee))+"; then find out whether it was used, with `tender audit verify --log-only --mode "+p.log.Mode+"`.")
		return nil
	})
	return err
}

// immutable is what a trigger's type is that comes before UPDATE, DELETE and
// TRUNCATE, once per statement.
const immutable = 2 | 8 | 16 | 32

// triggers looks whether what refuses every change is there, on each partition, too,
// and whether anything else is.
func (p patient) triggers(ctx context.Context, c *chart) error {
	schema := p.log.Schema()
	rows, err := p.app.Query(ctx, `
		SELECT format('%I.%I', $1::text, c.relname), t.tgname IS NOT NULL, coalesce(t.tgenabled = 'A', false),
			coalesce(t.tgtype = $2 AND t.tgfoid = to_regprocedure(quote_ident($1) || '.refuse_change()') AND t.tgqual IS NULL, false),
			ARRAY(SELECT quote_ident(o.tgname) FROM pg_trigger o WHERE o.tgrelid = c.oid AND NOT o.tgisinternal AND o.tgname <> 'immutable'),
			ARRAY(SELECT quote_ident(r.rulename) FROM pg_rewrite r WHERE r.ev_class = c.oid)
		FROM pg_class c LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'immutable' AND NOT t.tgisinternal
		WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_version' ORDER BY 1`, schema, immutable)
	if err != nil {
		return err
	}
	var table string
	var there, enabled, right bool
	var others, rules []string
	looked := 0
	_, err = pgx.ForEachRow(rows, []any{&table, &there, &enabled, &right, &others, &rules}, func() error {
		looked++
		make := fmt.Sprintf("CREATE OR REPLACE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s.refuse_change()", table, schema)
		enable := fmt.Sprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER immutable", table)
		verify := "; then find out what was changed meanwhile, with `tender audit verify --log-only --mode " + p.log.Mode + "`."
		switch {
		case !there || !right:
			c.fail(fmt.Sprintf("Nothing refuses changes to %s: its trigger isn't there, or is another.", table), "pg_trigger",
				"Make it again: `psql \"$DATABASE_ADMIN_URL\" -c \"SET ROLE tender_owner\" -c \""+make+"\" -c \""+enable+"\"`"+verify)
		case !enabled:
			c.fail(fmt.Sprintf("The trigger that refuses changes to %s is switched off, or is not on in every session.", table), "pg_trigger.tgenabled",
				"Switch it on: "+asOwner(enable)+verify)
		}
		for _, other := range others {
			c.fail(fmt.Sprintf("%s has a trigger that is not Tender's: %s.", table, other), "pg_trigger",
				"Remove it: "+asOwner(fmt.Sprintf("DROP TRIGGER %s ON %s", strings.ReplaceAll(other, `"`, `\"`), table))+verify)
		}
		for _, r := range rules {
			c.fail(fmt.Sprintf("%s has a rule: %s.", table, r), "pg_rewrite",
				"Remove it: "+asOwner(fmt.Sprintf("DROP RULE %s ON %s", strings.ReplaceAll(r, `"`, `\"`), table))+verify)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !c.bad() {
		c.ok(fmt.Sprintf("Changes to %s are refused by triggers, even to the owner.", schema), fmt.Sprintf("pg_trigger: always on, on all %d tables", looked))
	}
	return nil
}

// entrances are the functions that the application may call.
var entrances = []string{"append", "keep_partitions"}

// functions looks at the ways into the log: two, which run as its owner and look
// nowhere but where they should.
func (p patient) functions(ctx context.Context, c *chart) error {
	schema := p.log.Schema()
	rows, err := p.app.Query(ctx, `SELECT p.proname::text, p.oid::regprocedure::text, pg_get_userbyid(p.proowner)::text, p.prosecdef,
			coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false),
			has_function_privilege('tender_app', p.oid, 'EXECUTE'), has_function_privilege('public', p.oid, 'EXECUTE')
		FROM pg_proc p WHERE p.pronamespace = $1::regnamespace AND p.prorettype <> 'trigger'::regtype ORDER BY 1`, schema)
	if err != nil {
		return err
	}
	var name, signature, owner string
	var definer, path, app, everybody bool
	there := map[string]bool{}
	_, err = pgx.ForEachRow(rows, []any{&name, &signature, &owner, &definer, &path, &app, &everybody}, func() error {
		entrance := slices.Contains(entrances, name)
		there[name] = true
		if owner != roleOwner {
			c.fail(fmt.Sprintf("The function %s.%s belongs to %s.", schema, name, owner), "pg_proc.proowner",
				"Give it back: "+asSuperuser("ALTER FUNCTION "+signature+" OWNER TO tender_owner")+".")
		}
		if entrance && !definer {
			c.fail(fmt.Sprintf("The function %s.%s does not run as its owner.", schema, name), "pg_proc.prosecdef",
				"Let it: "+asOwner("ALTER FUNCTION "+signature+" SECURITY DEFINER")+".")
		}
		if definer && !path {
			c.fail(fmt.Sprintf("The function %s.%s runs as its owner and looks for names where its caller says.", schema, name), "pg_proc.proconfig has no search_path=pg_catalog, pg_temp",
				"Fix it: "+asOwner("ALTER FUNCTION "+signature+" SET search_path = pg_catalog, pg_temp")+".")
		}
		if everybody || app && !entrance {
			c.fail(fmt.Sprintf("The function %s.%s may be called by who has no business there.", schema, name), "has_function_privilege",
				"Take that back: "+asOwner("REVOKE ALL ON FUNCTION "+signature+" FROM PUBLIC"+ifNot(entrance, ", tender_app"))+".")
		}
		if entrance && !app {
			c.fail(fmt.Sprintf("The application may not call %s.%s: nothing can be written.", schema, name), "has_function_privilege",
				"Let it: "+asOwner("GRANT EXECUTE ON FUNCTION "+signature+" TO tender_app")+".")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range entrances {
		if !there[name] {
			c.fail(fmt.Sprintf("There is no function %s.%s.", schema, name), "pg_proc", "Make it with `tender migrate`; if it was there, restore the database from a backup.")
		}
	}
	if !c.bad() {
		c.ok(fmt.Sprintf("There are two ways into %s, append and keep_partitions, which run as its owner.", schema), "pg_proc: SECURITY DEFINER, a fixed search_path, EXECUTE for tender_app only")
	}
	return nil
}

func ifNot(yes bool, text string) string {
	if yes {
		return ""
	}
	return text
}
