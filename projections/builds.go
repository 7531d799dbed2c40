package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Builds says whose definitions the read models that are served were made by.
type Builds struct {
	Missing []string // of those that were named: nothing is served
	Other   []string // what is served was made by another definition
}

// CompareBuilds compares the read models that are served with those of this build.
// During a release they differ, until the new ones have caught up.
func (c *Cursors) CompareBuilds(ctx context.Context, all ...Projection) (Builds, error) {
	rows, err := c.pool.Query(ctx, `SELECT name, definition FROM `+c.read+`.projections WHERE serving`)
	if err != nil {
		return Builds{}, errors.Wrap(err, "read the definitions of read models")
	}
	served := map[string]string{}
	var name, definition string
	if _, err := pgx.ForEachRow(rows, []any{&name, &definition}, func() error { served[name] = definition; return nil }); err != nil {
		return Builds{}, errors.Wrap(err, "read the definitions of read models")
	}
	var b Builds
	for _, p := range all {
		switch d := p.Definition(); served[d.Name] {
		case d.fingerprint():
		case "":
			b.Missing = append(b.Missing, d.Name)
		default:
			b.Other = append(b.Other, d.Name)
		}
	}
	return b, nil
}
