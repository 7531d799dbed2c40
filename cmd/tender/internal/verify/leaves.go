package verify

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/cmd/internal/logproof"
)

const (
	// tileWidth is how many leaves a tile has, tileBytes how many bytes they are.
	tileWidth = 256
	tileBytes = tileWidth * hashBytes
	hashBytes = len(logproof.Hash{})
	// pageTiles is how many tiles are read at a time.
	pageTiles = 32
)

// leaves reads the leaves that were kept: of complete tiles, and of the last one, which
// isn't, those that the checkpoints brought.
type leaves struct {
	ctx                context.Context
	db                 *pgx.Conn
	tiles, checkpoints string // the tables
	first              int64  // the number of the first tile that is held
	held               map[int64][]byte
	found              bool
}

// Leaf implements [logproof.Leaves].
func (l *leaves) Leaf(position int64) (logproof.Hash, bool, error) {
	if position < 1 {
		return logproof.Hash{}, false, nil
	}
	number, at := (position-1)/tileWidth, int((position-1)%tileWidth)*hashBytes
	if l.held == nil || number < l.first || number >= l.first+pageTiles {
		if err := l.load(number); err != nil {
			return logproof.Hash{}, false, err
		}
	}
	hashes, there := l.held[number]
	if !there {
		var err error
		if hashes, err = l.incomplete(number); err != nil {
			return logproof.Hash{}, false, err
		}
		l.held[number] = hashes
	}
	if len(hashes) < at+hashBytes {
		return logproof.Hash{}, false, nil
	}
	l.found = true
	return logproof.Hash(hashes[at : at+hashBytes]), true, nil
}

// load reads complete tiles, from one on.
func (l *leaves) load(number int64) error {
	rows, err := l.db.Query(l.ctx, `SELECT number, hashes FROM `+l.tiles+` WHERE level = 0 AND number >= $1 AND number < $2`, number, number+pageTiles)
	if err != nil {
		return errors.Wrap(err, "read tiles")
	}
	defer rows.Close()
	l.first, l.held = number, map[int64][]byte{}
	for rows.Next() {
		var n int64
		var hashes []byte
		if err := rows.Scan(&n, &hashes); err != nil {
			return errors.Wrap(err, "read a tile")
		}
		if len(hashes) == tileBytes {
			l.held[n] = hashes
		}
	}
	return errors.Wrap(rows.Err(), "read tiles")
}

// incomplete reads the leaves of a tile that isn't complete, as far as there are some
// without a gap.
func (l *leaves) incomplete(number int64) ([]byte, error) {
	first := number * tileWidth
	rows, err := l.db.Query(l.ctx, `SELECT size, leaves FROM `+l.checkpoints+` WHERE size > $1 AND size < $2 ORDER BY number`, first, first+tileWidth)
	if err != nil {
		return nil, errors.Wrap(err, "read leaves")
	}
	defer rows.Close()
	var hashes []byte
	for rows.Next() {
		var size int64
		var added []byte
		if err := rows.Scan(&size, &added); err != nil {
			return nil, errors.Wrap(err, "read leaves")
		}
		if (first-size)*int64(hashBytes)+int64(len(hashes)+len(added)) != 0 {
			break
		}
		hashes = append(hashes, added...)
	}
	return hashes, errors.Wrap(rows.Err(), "read leaves")
}
