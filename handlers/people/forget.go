package people

import (
	"context"

	"github.com/cockroachdb/errors"

	"tender/domain/customer"
	"tender/domain/id"
	"tender/handlers/engine"
	"tender/vault"
)

// forgetMax is how many customers are looked up in the log at once.
const forgetMax = 200

// Forget destroys the keys of all customers whose erasure is in the logs, and
// returns how many still had one. It is done at every start, before anything is
// served, because a vault that was restored from a backup has such keys again; and
// from time to time, because the process that erased a customer may have died before
// it destroyed their key.
func Forget(ctx context.Context, v *vault.Vault, logs ...*engine.Engine) (int, error) {
	destroyed, after := 0, ""
	for {
		owners, err := v.Owners(ctx, after)
		if err != nil || len(owners) == 0 {
			return destroyed, err
		}
		after = owners[len(owners)-1]
		n, err := v.DestroyOwners(ctx, func(yield func(string, error) bool) {
			for _, owner := range erasedOf(ctx, owners, logs) {
				if !yield(owner.id, owner.err) || owner.err != nil {
					return
				}
			}
		})
		destroyed += n
		if err != nil {
			return destroyed, errors.Wrap(err, "destroy the keys of erased customers")
		}
	}
}

// erased is a customer who was erased, or why that could not be found out.
type erased struct {
	id  string
	err error
}

// erasedOf returns those of owners whose erasure is in one of the logs.
func erasedOf(ctx context.Context, owners []string, logs []*engine.Engine) []erased {
	var all []erased
	for start := 0; start < len(owners); start += forgetMax {
		page := owners[start:min(start+forgetMax, len(owners))]
		for _, log := range logs {
			var refs []engine.Ref
			var customers []*engine.Stream[customer.State]
			for _, owner := range page {
				if id.Valid(id.Customer, owner) {
					c := log.Customers.Ref(owner)
					refs, customers = append(refs, c), append(customers, c)
				}
			}
			if len(refs) == 0 {
				continue
			}
			if err := log.Refresh(ctx, refs...); err != nil {
				return append(all, erased{err: err})
			}
			for _, c := range customers {
				if c.Value.Erased {
					all = append(all, erased{id: c.ID})
				}
			}
		}
	}
	return all
}
