package limits

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"tender/eventstore"
)

// sweepMax is how many rows one statement of the sweep removes at most.
const sweepMax = 10_000

// tables are the statements on the counts, which lie in the log's work schema.
type tables struct {
	look, suspects               string
	fail, forgive                string
	leaveNote, takeNote          string
	total, sums, failing, slowed string
	place, freeAt, release, mark string
	sweeps                       []string
}

func newTables(log eventstore.Log) tables {
	name := func(table string) string { return pgx.Identifier{log.WorkSchema(), table}.Sanitize() }
	q := strings.NewReplacer(
		"{failed}", name("failed_attempts"), "{outstanding}", name("outstanding_attempts"),
		"{merchants}", name("merchant_attempts"), "{slowed}", name("slowed_merchants"),
	).Replace
	return tables{
		look:     q(`SELECT subject, part, failed, until FROM {failed} WHERE subject = ANY($1) AND until > $2`),
		suspects: q(`SELECT subject, max(until) FROM {failed} WHERE until > $1 GROUP BY subject LIMIT $2`),
		fail: q(`INSERT INTO {failed} AS f (subject, part, failed, until)
			SELECT subject, part, 1, until FROM unnest($1::bytea[], $2::text[], $3::timestamptz[]) AS n (subject, part, until)
			ON CONFLICT (subject, part) DO UPDATE SET failed = f.failed + 1, until = greatest(f.until, excluded.until)`),
		forgive: q(`DELETE FROM {failed} WHERE subject = $1 AND part = $2`),
		leaveNote: q(`INSERT INTO {outstanding} (key, session_id, address, means, asked, until) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (key) DO NOTHING`),
		takeNote: q(`DELETE FROM {outstanding} WHERE key = $1 RETURNING session_id, address, means, asked`),

		total: q(`INSERT INTO {merchants} AS m (merchant_id, span, attempts, failed)
			SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::int[], $4::int[])
			ON CONFLICT (merchant_id, span) DO UPDATE
			SET attempts = m.attempts + excluded.attempts, failed = m.failed + excluded.failed`),
		sums: q(`SELECT coalesce(sum(attempts), 0), coalesce(sum(failed), 0) FROM {merchants}
			WHERE merchant_id = $1 AND span > $2`),
		failing: q(`SELECT merchant_id FROM {merchants} WHERE merchant_id = ANY($1) AND span > $2
			GROUP BY merchant_id HAVING sum(attempts) >= $3 AND 2 * sum(failed) > sum(attempts)`),
		slowed: q(`SELECT merchant_id FROM {slowed}`),
		// A place is free again each $3 seconds; as many as $4 seconds bring may be saved up.
		place: q(`INSERT INTO {slowed} AS s (merchant_id, free_at) VALUES ($1, $2::timestamptz + $3::float8 * interval '1 second')
			ON CONFLICT (merchant_id) DO UPDATE
			SET free_at = greatest(s.free_at, $2 - $4::float8 * interval '1 second') + $3 * interval '1 second'
			WHERE s.free_at <= $2`),
		freeAt:  q(`SELECT free_at FROM {slowed} WHERE merchant_id = $1`),
		release: q(`DELETE FROM {slowed} WHERE merchant_id = $1`),
		mark:    q(`INSERT INTO {slowed} (merchant_id, free_at) VALUES ($1, $2) ON CONFLICT (merchant_id) DO NOTHING`),
		sweeps: []string{
			q(`DELETE FROM {failed} WHERE (subject, part) IN (
				SELECT subject, part FROM {failed} WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`),
			q(`DELETE FROM {outstanding} WHERE key IN (
				SELECT key FROM {outstanding} WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`),
			q(`DELETE FROM {merchants} WHERE (merchant_id, span) IN (
				SELECT merchant_id, span FROM {merchants} WHERE span <= $1::timestamptz - interval '1 hour' LIMIT $2 FOR UPDATE SKIP LOCKED)`),
		},
	}
}
