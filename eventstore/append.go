package eventstore

import (
	"context"
	"strconv"

	"github.com/cockroachdb/errors"

	"tender/eventstore/trace"
)

var (
	// ErrRefusedByDatabase says that PostgreSQL would not take this command,
	// whatever it is batched with: a fault of the program that built it.
	ErrRefusedByDatabase = errors.New("the database refuses the command")
	// ErrClosed says that the store was closed before the command was appended.
	// If it was closed while the database was out of reach, the append may still
	// happen.
	ErrClosed = errors.New("the log is closed")
	// ErrInvalidCommand says that a command breaks the rules of [Command].
	ErrInvalidCommand = errors.New("invalid command")
)

// TimeBackwards says that an event is dated before the last of its stream. Whoever
// decides takes the later of its clock and the stream's last instant.
type TimeBackwards struct {
	Stream   string
	At, Last string // RFC 3339
}

func (e *TimeBackwards) Error() string {
	return "event of stream " + e.Stream + " at " + e.At + ", before its last at " + e.Last
}

// Append adds a command to the log: all of it or nothing. It returns when the
// command is on PostgreSQL's disk, with the positions that it got.
//
// It fails with [*VersionConflict], [*KeyTaken], [*ClaimTaken] or [*TimeBackwards]
// (find them with errors.As), with [ErrInvalidCommand] or [ErrRefusedByDatabase],
// and then nothing was added. With ctx's error or [ErrClosed] the append may
// still happen: calling again with the same command, under the same id, tells.
// While the database is out of reach it waits, for as long as ctx lets it.
//
// Commands of all goroutines travel together, see docs/log-format.md; the slices
// of c must not be changed afterwards, not even when Append has failed.
func (s *Store) Append(ctx context.Context, c Command) (Result, error) {
	if err := checkCommand(&c); err != nil {
		return Result{}, errors.Wrapf(err, "command %s", c.ID)
	}
	ctx, end := trace.Begin(ctx, "append", "mode", s.log.Mode, "events", strconv.Itoa(len(c.Events)))
	r, err := s.await(ctx, &pending{command: &c, size: commandSize(&c), done: make(chan settled, 1)})
	if refusal := refusalName(err); refusal != "" {
		end(nil, "refused", refusal)
		return r, err
	}
	if err == nil && !r.Duplicate {
		s.remember(c.Claims)
	}
	end(err, "position", strconv.FormatInt(r.Last, 10))
	return r, err
}

// refusalName names an error by which the log says that a command is late, for a
// span: no fault of anybody's.
func refusalName(err error) string {
	if err == nil {
		return ""
	}
	var conflict *VersionConflict
	var key *KeyTaken
	var claim *ClaimTaken
	var backwards *TimeBackwards
	switch {
	case errors.As(err, &conflict):
		return "version_conflict"
	case errors.As(err, &key):
		return "key_taken"
	case errors.As(err, &claim):
		return "claim_taken"
	case errors.As(err, &backwards):
		return "time_backwards"
	}
	return ""
}

// await has a command appended, and waits for that as long as ctx lets it.
func (s *Store) await(ctx context.Context, p *pending) (Result, error) {
	if err := s.batcher.enqueue(ctx, p); err != nil {
		return Result{}, err
	}
	select {
	case o := <-p.done:
		return o.result, o.err
	case <-ctx.Done():
		p.left.Store(true)
		return Result{}, ctx.Err()
	}
}
