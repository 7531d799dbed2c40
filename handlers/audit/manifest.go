package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore/seal"
	desk "tender/handlers/staff"
)

// manifest says what a file holds, so that whoever has the file can tell that it is
// whole and unchanged, and have it made again.
type manifest struct {
	scope
	// Href is where the same bytes come from.
	Href   string        `json:"href"`
	Format string        `json:"format"`
	Rows   int64         `json:"rows"`
	Bytes  int64         `json:"bytes"`
	SHA256 string        `json:"sha256"`
	Sums   []manifestSum `json:"sums"`
	// Position is the last of the log that was looked at, and Hash the log's chain hash
	// there; Checkpoint is the signed checkpoint that covers it, where there is one yet.
	Position   int64  `json:"position"`
	Hash       string `json:"hash"`
	Checkpoint string `json:"checkpoint,omitempty"`
}

// manifestSum is what a file's amounts in a currency add up to.
type manifestSum struct {
	sum
	DebitMinor  string `json:"debit_minor"`  // of the positive ones
	CreditMinor string `json:"credit_minor"` // of the negative ones, without their sign
}

// control adds amounts up, by currency.
type control struct {
	debit, credit map[string]*big.Int
	rows          int64
}

func (c *control) see(r row) {
	c.rows++
	if r.currency == "" {
		return
	}
	if c.debit[r.currency] == nil {
		c.debit[r.currency], c.credit[r.currency] = new(big.Int), new(big.Int)
	}
	if amount := big.NewInt(r.amount); r.amount < 0 {
		c.credit[r.currency].Sub(c.credit[r.currency], amount)
	} else {
		c.debit[r.currency].Add(c.debit[r.currency], amount)
	}
}

func (c *control) sums() []manifestSum {
	out := []manifestSum{}
	for _, currency := range slices.Sorted(maps.Keys(c.debit)) {
		debit, credit := c.debit[currency], c.credit[currency]
		out = append(out, manifestSum{
			sum: sumOf(new(big.Int).Sub(debit, credit), currency), DebitMinor: debit.String(), CreditMinor: credit.String(),
		})
	}
	return out
}

// hashed counts what is written, and hashes it.
type hashed struct {
	hash.Hash
	n int64
}

func (h *hashed) Write(b []byte) (int, error) {
	h.n += int64(len(b))
	return h.Hash.Write(b)
}

// manifest answers with the manifest of the file that the sheet of this name would be.
func (a *Audit) manifest(name string, read func(*desk.Request) opener) handler {
	return func(w http.ResponseWriter, r *desk.Request, m *mode) error {
		format := r.Query.Option("format", []string{formatCSV, formatLines})
		if format == "" {
			format = formatCSV
		}
		s, err := open(r, m, read)
		if err != nil {
			return err
		}
		sums := control{debit: map[string]*big.Int{}, credit: map[string]*big.Int{}}
		file := &hashed{Hash: sha256.New()}
		if err := s.encode(r.Context(), &encoder{w: file, format: format}, sums.see); err != nil {
			return err
		}
		out := manifest{
			scope: s.scope, Format: format, Rows: sums.rows, Bytes: file.n, SHA256: hex.EncodeToString(file.Sum(nil)),
			Sums: sums.sums(), Position: s.position,
		}
		query := maps.Clone(s.query)
		query.Set("format", format)
		query.Set("mode", m.name)
		out.Href = "/audit/" + name + "?" + query.Encode()
		if err := m.prove(r.Context(), &out); err != nil {
			return err
		}
		return desk.JSON(patient{w, http.NewResponseController(w)}, http.StatusOK, out)
	}
}

// A log is sealed every second or so: a manifest waits that long for the checkpoint
// that covers it.
const (
	sealedWait = 3 * time.Second
	sealedPoll = 100 * time.Millisecond
)

// prove adds what ties the file to the log.
func (m *mode) prove(ctx context.Context, out *manifest) error {
	at, err := m.Store.HashAt(ctx, out.Position)
	if err != nil {
		return err
	}
	out.Hash = hex.EncodeToString(at[:])
	limit := time.NewTimer(sealedWait)
	defer limit.Stop()
	poll := time.NewTicker(sealedPoll)
	defer poll.Stop()
	for {
		c, err := m.Proofs.Latest(ctx)
		switch {
		case errors.Is(err, seal.ErrNotSealed):
			return nil
		case err != nil:
			return err
		case c.Size >= out.Position:
			out.Checkpoint = string(c.Note)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return nil
		case <-poll.C:
		}
	}
}
