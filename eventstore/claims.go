package eventstore

import (
	"context"

	"github.com/cockroachdb/errors"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
)

// claimsRememberedMax is how many look-up keys a store remembers the holders of.
const claimsRememberedMax = 20_000

func newClaimMemory() *lru.Cache[claimKey, string] {
	memory, err := lru.New[claimKey, string](claimsRememberedMax)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return memory
}

// remember keeps in mind what a command that was appended has claimed. Of a soft claim
// it isn't known who holds it.
func (s *Store) remember(claims []Claim) {
	for _, c := range claims {
		if !c.Soft {
			s.claims.Add(claimKey{c.Kind, c.Value}, c.Stream)
		}
	}
}

// Claimed returns the stream that holds a look-up key, and whether any does. Once
// a stream holds it, it always will, so that who was found is remembered.
func (s *Store) Claimed(ctx context.Context, kind, value string) (stream string, ok bool, err error) {
	if stream, ok := s.claims.Get(claimKey{kind, value}); ok {
		return stream, true, nil
	}
	err = s.reread(ctx, func() error { return s.reads.QueryRow(ctx, claimQuery(s.log), kind, value).Scan(&stream) })
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, errors.Wrap(err, "look a claim up")
	}
	s.claims.Add(claimKey{kind, value}, stream)
	return stream, true, nil
}

func claimQuery(log Log) string {
	return `SELECT stream FROM ` + log.table("claims") + ` WHERE kind = $1 AND value = $2`
}
