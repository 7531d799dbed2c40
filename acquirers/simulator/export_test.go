package simulator

import "time"

// Drawn is a draw, and what its caller was told.
type Drawn struct {
	Kind, Key, Authorisation string
	Amount                   int64
	Currency                 string

	Status string
	Err    error
}

// DrawTogether has s perform draws that wait together, as one group.
func DrawTogether(s *Server, draws []*Drawn) {
	g := &group{pool: s.book.pool, queue: make(chan *turn, len(draws)), ended: make(chan struct{})}
	turns := make([]*turn, len(draws))
	for i, d := range draws {
		turns[i] = &turn{done: make(chan error, 1), asked: operation{
			Kind: d.Kind, Key: d.Key, Reference: newReference(), Authorisation: d.Authorisation,
			Amount: d.Amount, Currency: d.Currency, EffectiveAt: time.Now(), Fingerprint: []byte(d.Key),
		}}
		g.queue <- turns[i]
	}
	close(g.queue)
	g.run()
	for i, d := range draws {
		d.Err = <-turns[i].done
		d.Status = string(turns[i].stands.Status)
	}
}
