package eventstore

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// keyRetention is how long an idempotency key stays taken after its answer.
const keyRetention = "24 hours"

// KeyRecord returns what the log knows of a merchant's idempotency key, and
// whether it knows it. A key that was answered more than 24 hours ago, by
// PostgreSQL's clock, is unknown.
func (s *Store) KeyRecord(ctx context.Context, merchantID, kind, key string) (KeyRecord, bool, error) {
	var r KeyRecord
	var status, version *int
	var stream *string
	var fingerprints, refusal []byte
	var answeredAt *time.Time
	var expired bool
	err := s.reread(ctx, func() error {
		return s.reads.QueryRow(ctx, keyQuery(s.log), merchantID, kind, key).Scan(
			(*uuid.UUID)(&r.CommandID), &fingerprints, &r.Stream, &r.RecordedAt,
			&answeredAt, &status, &stream, &version, &refusal, &expired)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return KeyRecord{}, false, nil
	}
	if err != nil {
		return KeyRecord{}, false, errors.Wrap(err, "look an idempotency key up")
	}
	if expired {
		return KeyRecord{}, false, nil
	}
	r.Fingerprints = fingerprints
	r.RecordedAt = r.RecordedAt.UTC()
	if answeredAt != nil {
		r.Answer = &Answer{CommandID: r.CommandID, Status: *status, Stream: *stream, Version: *version, Refusal: refusal}
	}
	return r, true, nil
}

func keyQuery(log Log) string {
	return `
		SELECT c.command_id, c.fingerprints, c.stream, c.recorded_at,
			a.recorded_at, a.status, a.stream, a.version, a.refusal,
			coalesce(a.recorded_at <= clock_timestamp() - interval '` + keyRetention + `', false)
		FROM (
			SELECT command_id, fingerprints, stream, recorded_at FROM ` + log.table("idempotency_command") + `
			WHERE merchant_id = $1 AND kind = $2 AND key = $3 ORDER BY recorded_at DESC LIMIT 1
		) AS c
		LEFT JOIN LATERAL (
			SELECT * FROM ` + log.table("idempotency_answer") + `
			WHERE command_id = c.command_id AND command_recorded_at = c.recorded_at LIMIT 1
		) AS a ON true`
}

// KeepPartitions makes the partitions of idempotency rows of the days ahead, and
// drops those of past days in which every key is free again. Some process should
// call it every hour; if none does, appends make the partition of the day
// themselves and nothing is dropped. A partition that is being read is left for
// the next call.
func (s *Store) KeepPartitions(ctx context.Context) (made, dropped int, err error) {
	err = s.reads.QueryRow(ctx, `SELECT made, dropped FROM `+s.log.table("keep_partitions")+`()`).Scan(&made, &dropped)
	return made, dropped, errors.Wrap(err, "keep the partitions of idempotency keys")
}
