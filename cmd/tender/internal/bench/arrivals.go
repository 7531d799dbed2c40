package bench

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/errors"
)

// Arrivals is when each message was accepted first, by its webhook-id.
type Arrivals struct {
	first map[string]time.Time
	again int // messages that had been accepted before
}

// NewArrivals returns none yet.
func NewArrivals() *Arrivals { return &Arrivals{first: map[string]time.Time{}} }

// Add notes that a message was accepted.
func (a *Arrivals) Add(id string, at time.Time) {
	if _, known := a.first[id]; known {
		a.again++
		return
	}
	a.first[id] = at
}

// Count is how many messages arrived, each counted once.
func (a *Arrivals) Count() int { return len(a.first) }

// Again is how often one arrived that had arrived before.
func (a *Arrivals) Again() int { return a.again }

// Write hands them to another process, a line each; [ReadArrivals] reads them.
func (a *Arrivals) Write(w io.Writer) error {
	to := bufio.NewWriter(w)
	fmt.Fprintln(to, len(a.first), a.again)
	for id, at := range a.first {
		fmt.Fprintln(to, id, at.UnixNano())
	}
	return errors.Wrap(to.Flush(), "write arrivals")
}

// ReadArrivals reads what [Arrivals.Write] wrote, all of it or none.
func ReadArrivals(r io.Reader) (*Arrivals, error) {
	from := bufio.NewReader(r)
	a := NewArrivals()
	var n int
	if _, err := fmt.Fscanln(from, &n, &a.again); err != nil {
		return nil, errors.Wrap(err, "read arrivals")
	}
	for range n {
		var id string
		var at int64
		if _, err := fmt.Fscanln(from, &id, &at); err != nil {
			return nil, errors.Wrap(err, "read arrivals")
		}
		a.first[id] = time.Unix(0, at)
	}
	return a, nil
}
