package eventstore

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Outcome is what became of one of the commands of AppendTogether.
type Outcome struct {
	Command Command
	Result  Result
	Err     error
}

// Together is a connection of its own to append batches over.
type Together struct{ link *link }

// NewTogether returns a connection to the log of s, which the caller closes.
func NewTogether(s *Store) *Together {
	return &Together{&link{config: s.batcher.link.config, log: s.log}}
}

// Close closes the connection.
func (t *Together) Close() { t.link.drop() }

// Append sends commands as if all of them waited while a batch was under way, and
// returns them in an order that has the same outcomes one by one: that in which
// they travelled, but of each batch the refused ones first, because a batch is
// judged before any of it is added. Only the tests can bring this about at will.
func (t *Together) Append(commands []Command) []Outcome {
	waiting := make([]*pending, len(commands))
	for i := range commands {
		waiting[i] = &pending{command: &commands[i], size: commandSize(&commands[i])}
	}
	var batch []*pending
	var outcomes []Outcome
	for len(waiting) > 0 {
		batch, waiting = nextBatch(waiting)
		all, err := t.link.append(context.Background(), batch)
		begin := len(outcomes)
		for i, p := range batch {
			o := Outcome{Command: *p.command, Err: err}
			if err == nil {
				o.Result, o.Err = all[i].result, all[i].err
			}
			outcomes = append(outcomes, o)
		}
		slices.SortStableFunc(outcomes[begin:], refusedFirst)
	}
	return outcomes
}

func refusedFirst(a, b Outcome) int {
	switch {
	case a.Err != nil && b.Err == nil:
		return -1
	case a.Err == nil && b.Err != nil:
		return 1
	}
	return 0
}

// LockKey is the advisory lock that appends hold.
func LockKey(log Log) int64 { return log.lockKey() }

// Queued is how many commands wait in the channel.
func Queued(s *Store) int { return len(s.batcher.queue) }

// AppendConfig is how the batcher connects.
var AppendConfig = appendConfig

// NewTogetherVia is NewTogether over a connection of the test's choice.
func NewTogetherVia(config *pgx.ConnConfig, log Log) *Together {
	return &Together{&link{config: config, log: log}}
}

// ReadConfig is how the connections that read the log are made.
func ReadConfig(s *Store) *pgx.ConnConfig { return s.reads.Config().ConnConfig }

// Queries are the statements of all reads, with arguments.
func Queries(log Log) map[string][]any {
	return map[string][]any{
		streamsQuery(log):  {[]string{"ps_1", "ps_2"}, []int32{0, 1}},
		afterQuery(log):    {int64(100), 50},
		headQuery(log):     {},
		hashQuery(log):     {int64(100)},
		recordedQuery(log): {int64(100)},
		claimQuery(log):    {"kind", "value"},
		keyQuery(log):      {"mer_1", "secret", "k"},
	}
}

// Forget has the store look who holds a look-up key up again.
func (s *Store) Forget() { s.claims.Purge() }
