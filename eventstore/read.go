package eventstore

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tender/domain"
)

// Limits of one read.
const (
	streamsMax = 256
	afterMax   = 10_000
)

// ErrGap says that the log lacks a position: somebody changed it by force.
var ErrGap = errors.New("the log has a gap")

const eventColumns = `position, stream, version, type, schema_version, event_id, command_id, merchant_id,
	at, effective_at, recorded_at, request_id, causation, actor_kind, actor_id, payload, hash`

// StreamAfter asks for the events of a stream beyond a version.
type StreamAfter struct {
	Stream  string
	Version int
}

// StreamTail holds the events of a stream beyond the version that was asked for.
type StreamTail struct {
	Events  []Event
	Version int // of the stream now; 0: it does not exist
}

// Streams returns what each stream holds beyond a version, and its version now,
// in the order asked, all as of one instant: one indexed query, at most 256
// streams. A stream's events come whole, so whoever keeps long streams folded
// asks from the version that it knows.
func (s *Store) Streams(ctx context.Context, after ...StreamAfter) ([]StreamTail, error) {
	if len(after) > streamsMax {
		return nil, errors.AssertionFailedf("%d streams at once", len(after))
	}
	names := make([]string, len(after))
	versions := make([]int32, len(after))
	for i, a := range after {
		names[i] = a.Stream
		versions[i] = int32(min(max(a.Version, 0), versionMax))
	}
	var tails []StreamTail
	err := s.reread(ctx, func() error {
		rows, err := s.reads.Query(ctx, streamsQuery(s.log), names, versions)
		if err == nil {
			tails, err = scanTails(rows, len(after))
		}
		return err
	})
	return tails, errors.Wrap(err, "read streams")
}

// streamsQuery looks each stream up by itself: a join with the whole table would
// be read from end to end when the statistics are stale. The second LIMIT never
// bites; it keeps the planner from making that join out of the look-ups.
func streamsQuery(log Log) string {
	return `
		SELECT a.n::integer, coalesce(head.version, 0), e.*
		FROM unnest($1::text[], $2::integer[]) WITH ORDINALITY AS a(stream, version, n)
		LEFT JOIN LATERAL (
			SELECT version FROM ` + log.table("events") + ` WHERE stream = a.stream ORDER BY version DESC LIMIT 1
		) AS head ON true
		LEFT JOIN LATERAL (
			SELECT ` + eventColumns + ` FROM ` + log.table("events") + `
			WHERE stream = a.stream AND version > a.version ORDER BY version LIMIT head.version
		) AS e ON true
		ORDER BY a.n, e.version`
}

func scanTails(rows pgx.Rows, n int) ([]StreamTail, error) {
	defer rows.Close()
	tails := make([]StreamTail, n)
	for rows.Next() {
		var i, version int32
		var row eventRow
		if err := rows.Scan(append([]any{&i, &version}, row.targets()...)...); err != nil {
			return nil, err
		}
		tail := &tails[i-1]
		tail.Version = int(version)
		if row.position != nil {
			tail.Events = append(tail.Events, row.event())
		}
	}
	return tails, rows.Err()
}

// Stream returns all events of a stream, oldest first; none if it does not exist.
func (s *Store) Stream(ctx context.Context, stream string) ([]Event, error) {
	tails, err := s.Streams(ctx, StreamAfter{Stream: stream})
	if err != nil {
		return nil, err
	}
	return tails[0].Events, nil
}

// After returns the events beyond a position, oldest first, at most limit of them
// (1 to 10 000). Their positions follow on without a gap, else it is [ErrGap]; what
// it doesn't return yet has a later position, so a reader never has to look back.
func (s *Store) After(ctx context.Context, position int64, limit int) ([]Event, error) {
	if limit < 1 || limit > afterMax {
		return nil, errors.AssertionFailedf("%d events at once", limit)
	}
	var events []Event
	err := s.reread(ctx, func() error {
		rows, err := s.reads.Query(ctx, afterQuery(s.log), position, limit)
		if err == nil {
			events, err = pgx.CollectRows(rows, scanEvent)
		}
		return err
	})
	if err != nil {
		return nil, errors.Wrap(err, "read the log")
	}
	for i := range events {
		if want := position + int64(i) + 1; events[i].Position != want {
			return nil, errors.Wrapf(ErrGap, "position %d follows %d", events[i].Position, want-1)
		}
	}
	return events, nil
}

func afterQuery(log Log) string {
	return `SELECT ` + eventColumns + ` FROM ` + log.table("events") + ` WHERE position > $1 ORDER BY position LIMIT $2`
}

// Place is an event by its stream and version, in the order of [Store.ByStream].
type Place struct {
	Stream  string
	Version int
}

// ByStream returns the next events in the order of streams and versions: those after a
// place, of streams that sort before another, up to a position, at most limit (10 000).
// Each stream's events come together, whatever else was written between them. Fewer than
// limit: there are no more.
func (s *Store) ByStream(ctx context.Context, after Place, before string, upTo int64, limit int) ([]Event, error) {
	if limit < 1 || limit > afterMax {
		return nil, errors.AssertionFailedf("a read of %d events at once", limit)
	}
	var events []Event
	err := s.reread(ctx, func() error {
		rows, err := s.reads.Query(ctx, byStreamQuery(s.log), after.Stream, after.Version, before, upTo, limit)
		if err == nil {
			events, err = pgx.CollectRows(rows, scanEvent)
		}
		return err
	})
	return events, errors.Wrap(err, "read the log by stream")
}

func byStreamQuery(log Log) string {
	return `SELECT ` + eventColumns + ` FROM ` + log.table("events") + `
		WHERE (stream, version) > ($1, $2) AND stream < $3 AND position <= $4
		ORDER BY stream, version LIMIT $5`
}

// CountBetween returns how many events the streams hold that sort from one name on and
// before another.
func (s *Store) CountBetween(ctx context.Context, from, before string) (int64, error) {
	var n int64
	err := s.reread(ctx, func() error {
		return s.reads.QueryRow(ctx, `SELECT count(*) FROM `+s.log.table("events")+` WHERE stream >= $1 AND stream < $2`, from, before).Scan(&n)
	})
	return n, errors.Wrap(err, "count events")
}

// Head returns the last position and its chain hash; 0 and zero for an empty log.
func (s *Store) Head(ctx context.Context) (position int64, hash [32]byte, err error) {
	var b []byte
	err = s.reread(ctx, func() error { return s.reads.QueryRow(ctx, headQuery(s.log)).Scan(&position, &b) })
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, hash, nil
	}
	copy(hash[:], b)
	return position, hash, errors.Wrap(err, "read the log's head")
}

func headQuery(log Log) string {
	return `SELECT position, hash FROM ` + log.table("events") + ` ORDER BY position DESC LIMIT 1`
}

// HashAt returns the chain hash at a position: zero at 0, [ErrGap] where there is
// no event.
func (s *Store) HashAt(ctx context.Context, position int64) ([32]byte, error) {
	var hash [32]byte
	if position == 0 {
		return hash, nil
	}
	var b []byte
	err := s.reread(ctx, func() error { return s.reads.QueryRow(ctx, hashQuery(s.log), position).Scan(&b) })
	if errors.Is(err, pgx.ErrNoRows) {
		return hash, errors.Wrapf(ErrGap, "no position %d", position)
	}
	copy(hash[:], b)
	return hash, errors.Wrap(err, "read a chain hash")
}

func hashQuery(log Log) string {
	return `SELECT hash FROM ` + log.table("events") + ` WHERE position = $1`
}

// eventRow takes one row of eventColumns, all NULL where an outer join found none.
type eventRow struct {
	position                          *int64
	stream, kind                      *string
	version, schemaVersion            *int32
	id, command, causation            pgtype.UUID
	merchant, request, actor, actorID *string
	at, effectiveAt, recordedAt       *time.Time
	payload, hash                     []byte
}

func (r *eventRow) targets() []any {
	return []any{
		&r.position, &r.stream, &r.version, &r.kind, &r.schemaVersion, &r.id, &r.command, &r.merchant,
		&r.at, &r.effectiveAt, &r.recordedAt, &r.request, &r.causation, &r.actor, &r.actorID, &r.payload, &r.hash,
	}
}

// event returns the row's event; the row must not be all NULL.
func (r *eventRow) event() Event {
	e := Event{
		Position: *r.position, Stream: *r.stream, Version: int(*r.version),
		Type: *r.kind, SchemaVersion: int(*r.schemaVersion), ID: r.id.Bytes, CommandID: r.command.Bytes,
		MerchantID: *r.merchant, At: r.at.UTC(), RecordedAt: r.recordedAt.UTC(), RequestID: *r.request,
		Causation: r.causation.Bytes, Actor: domain.Actor{Kind: domain.ActorKind(*r.actor), ID: *r.actorID},
		Payload: r.payload,
	}
	if r.effectiveAt != nil {
		e.EffectiveAt = r.effectiveAt.UTC()
	}
	copy(e.Hash[:], r.hash)
	return e
}

// scanEvent takes one row of eventColumns that is an event: without an outer join's
// NULLs it costs less than an eventRow.
func scanEvent(row pgx.CollectableRow) (Event, error) {
	var e Event
	var version, schemaVersion int32
	var id, command, causation pgtype.UUID
	var effectiveAt *time.Time
	var actor string
	var payload, hash []byte
	err := row.Scan(
		&e.Position, &e.Stream, &version, &e.Type, &schemaVersion, &id, &command, &e.MerchantID,
		&e.At, &effectiveAt, &e.RecordedAt, &e.RequestID, &causation, &actor, &e.Actor.ID, &payload, &hash,
	)
	if err != nil {
		return Event{}, err
	}
	e.Version, e.SchemaVersion, e.Payload = int(version), int(schemaVersion), payload
	e.ID, e.CommandID, e.Causation = id.Bytes, command.Bytes, causation.Bytes
	e.At, e.RecordedAt, e.Actor.Kind = e.At.UTC(), e.RecordedAt.UTC(), domain.ActorKind(actor)
	if effectiveAt != nil {
		e.EffectiveAt = effectiveAt.UTC()
	}
	copy(e.Hash[:], hash)
	return e, nil
}
