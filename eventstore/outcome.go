package eventstore

import (
	"encoding/json"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The outcomes of the append function.
const (
	outcomeAppended = iota
	outcomeDuplicate
	outcomeVersion
	outcomeKey
	outcomeClaim
	outcomeTime
)

// outcomeRow is what the append function says of one command.
type outcomeRow struct {
	outcome     int32
	first, last *int64
	detail      []byte
}

func readOutcomes(rows pgx.Rows, batch []*pending) ([]settled, error) {
	defer rows.Close()
	outcomes := make([]settled, 0, len(batch))
	for rows.Next() {
		var row outcomeRow
		if err := rows.Scan(&row.outcome, &row.first, &row.last, &row.detail); err != nil {
			return nil, err
		}
		if len(outcomes) == len(batch) {
			return nil, errors.AssertionFailedf("append answers for more than %d commands", len(batch))
		}
		outcomes = append(outcomes, row.settled(batch[len(outcomes)].command))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(outcomes) != len(batch) {
		return nil, errors.AssertionFailedf("append answers for %d of %d commands", len(outcomes), len(batch))
	}
	return outcomes, nil
}

func (r *outcomeRow) settled(c *Command) settled {
	switch r.outcome {
	case outcomeAppended, outcomeDuplicate:
		return r.appended()
	case outcomeVersion:
		return settled{err: r.version()}
	case outcomeKey:
		return settled{err: r.key()}
	case outcomeClaim:
		return settled{err: r.claim(c)}
	case outcomeTime:
		return settled{err: r.time()}
	}
	return settled{err: errors.AssertionFailedf("append gives outcome %d", r.outcome)}
}

func (r *outcomeRow) appended() settled {
	result := Result{Duplicate: r.outcome == outcomeDuplicate}
	if r.first != nil && r.last != nil {
		result.First, result.Last = *r.first, *r.last
	}
	if r.detail == nil {
		return settled{result: result}
	}
	var taken []struct{ Kind, Value, Stream string }
	if err := json.Unmarshal(r.detail, &taken); err != nil {
		return settled{err: errors.Wrap(err, "outcome of an append")}
	}
	for _, k := range taken {
		result.Taken = append(result.Taken, Claim{Kind: k.Kind, Value: k.Value, Stream: k.Stream, Soft: true})
	}
	return settled{result: result}
}

func (r *outcomeRow) version() error {
	var d struct {
		Stream           string
		Expected, Actual int
	}
	if err := json.Unmarshal(r.detail, &d); err != nil {
		return errors.Wrap(err, "outcome of an append")
	}
	return &VersionConflict{Stream: d.Stream, Expected: d.Expected, Actual: d.Actual}
}

func (r *outcomeRow) key() error {
	var d struct {
		CommandID     uuid.UUID `json:"command_id"`
		Fingerprints  json.RawMessage
		Stream        string
		RecordedAt    time.Time `json:"recorded_at"`
		Answered      bool
		Status        int
		AnswerStream  string `json:"answer_stream"`
		AnswerVersion int    `json:"answer_version"`
		Refusal       json.RawMessage
	}
	if err := json.Unmarshal(r.detail, &d); err != nil {
		return errors.Wrap(err, "outcome of an append")
	}
	record := KeyRecord{CommandID: d.CommandID, Fingerprints: d.Fingerprints, Stream: d.Stream, RecordedAt: d.RecordedAt.UTC()}
	if d.Answered {
		record.Answer = &Answer{CommandID: d.CommandID, Status: d.Status, Stream: d.AnswerStream, Version: d.AnswerVersion}
		if string(d.Refusal) != "null" {
			record.Answer.Refusal = d.Refusal
		}
	}
	return &KeyTaken{Record: record}
}

func (r *outcomeRow) claim(c *Command) error {
	var d struct{ Kind, Value, Stream string }
	if err := json.Unmarshal(r.detail, &d); err != nil {
		return errors.Wrap(err, "outcome of an append")
	}
	for _, k := range c.Claims {
		if k.Kind == d.Kind && k.Value == d.Value {
			return &ClaimTaken{Claim: k}
		}
	}
	return errors.AssertionFailedf("append names a claim of kind %q that was not made", d.Kind)
}

func (r *outcomeRow) time() error {
	var d struct{ Stream, At, Last string }
	if err := json.Unmarshal(r.detail, &d); err != nil {
		return errors.Wrap(err, "outcome of an append")
	}
	return &TimeBackwards{Stream: d.Stream, At: d.At, Last: d.Last}
}
