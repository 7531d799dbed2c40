package logproof

import (
	"fmt"
	"slices"
)

// searchMax is how many events after a fault are looked at to find out what it is,
// removedMax how many events in a row are tried as removed.
const (
	searchMax  = 1_000_000
	removedMax = 256
)

// search finds out, from what follows, what happened at a position that is wrong.
// What was appended there is recognised by its leaf, where the tiles have it and lead
// to a checkpoint, else by the chain hash that it carries.
type search struct {
	v      *Verifier
	at     int64
	gap    int64  // the position that stands there instead, a later one; 0: none
	row    *Event // what stands there, if it has that position
	chain  Hash   // the hash that row should have
	sealed bool   // what was there is known by its leaf

	seen     int
	before   Hash   // the hash that the row before this one carries
	missing  *Event // what belongs to the position, found elsewhere
	itsHash  Hash   // the hash that it has at the position
	fromHash Hash   // the hash of the row before the place where it was found
	hasher   hasher
}

// see looks at the next event, and returns the fault once it is clear.
func (s *search) see(e *Event) error {
	s.seen++
	defer func() { s.before = e.Hash }()
	switch {
	case s.gap != 0:
		return s.seeAfterGap(e)
	case s.missing != nil:
		return s.swappedOrAdded(e)
	case s.seen == 1:
		if fault := s.next(e); fault != nil {
			return fault
		}
	}
	if hash, fits := s.fits(e); fits {
		s.missing, s.itsHash, s.fromHash = e.Clone(), hash, s.before
		return nil
	}
	if s.seen >= searchMax {
		return s.end()
	}
	return nil
}

// seeAfterGap looks whether the position comes right after the one that stands in
// its place.
func (s *search) seeAfterGap(e *Event) error {
	if e.Position == s.at {
		return &Fault{s.at, Swapped, fmt.Sprintf("it stands behind position %d", s.gap)}
	}
	return s.end()
}

// next tells from the event right after a wrong one what happened, if that can be
// told from the two.
func (s *search) next(e *Event) error {
	if n := s.removed(e); n > 0 {
		return &Fault{s.at, Removed, fmt.Sprintf("%d of the log's events are gone from here, and those after them have moved up", n)}
	}
	if s.sealed {
		return nil
	}
	if chain, _ := s.hasher.hashes(s.chain, e); chain == e.Hash {
		return &Fault{s.at, Changed, "its chain hash is not the one that what stands there has; the next event's follows from that"}
	}
	return nil
}

// removed returns how many events were removed, with all that follow moved up: the
// row is one that was appended later, and so is the next.
func (s *search) removed(next *Event) int64 {
	for n := int64(1); n <= removedMax; n++ {
		if s.sealed {
			if s.was(s.row, s.at+n) && (next == nil || s.movedUp(next, s.at+n+1)) {
				return n
			}
			continue
		}
		if next == nil {
			return 0
		}
		moved := *next
		moved.Position += n
		if chain, _ := s.hasher.hashes(s.row.Hash, &moved); chain == next.Hash {
			return n
		}
	}
	return 0
}

// fits reports whether e is what was appended at the position, and which hash it has
// there.
func (s *search) fits(e *Event) (Hash, bool) {
	here := *e
	here.Position = s.at
	chain, leaf := s.hasher.hashes(s.v.previous, &here)
	if s.sealed {
		sealed, known := s.leaf(s.at)
		return chain, known && sealed == leaf
	}
	return chain, chain == e.Hash || chain == s.row.Hash
}

// was reports whether e was appended at a position, as the tiles know.
func (s *search) was(e *Event, position int64) bool {
	sealed, known := s.leaf(position)
	return known && s.leafAt(e, position) == sealed
}

// movedUp reports whether e was appended at a position, later than where it stands.
func (s *search) movedUp(e *Event, position int64) bool {
	if _, known := s.leaf(position); known {
		return s.was(e, position)
	}
	return !s.was(e, e.Position)
}

// leaf returns what the tiles have for a position. Of those behind the checkpoint
// that they were held against it is a hint only, as good as any.
func (s *search) leaf(position int64) (Hash, bool) {
	leaf, known, err := s.v.cfg.Leaves.Leaf(position)
	return leaf, known && err == nil
}

func (s *search) leafAt(e *Event, position int64) Hash {
	there := *e
	there.Position = position
	_, leaf := s.hasher.hashes(Hash{}, &there)
	return leaf
}

// swappedOrAdded tells the two apart once what belongs to the position was found
// further on: if it was swapped, what stands in its place belongs where it was found;
// if something was added, everything has moved down. Next is the event after that
// place, nil if there is none.
func (s *search) swappedOrAdded(next *Event) error {
	if s.belongs(s.row, s.missing.Position) {
		return &Fault{s.at, Swapped, fmt.Sprintf("what was appended here stands at %d, and the other way round", s.missing.Position)}
	}
	if next == nil || s.follows(next) {
		return &Fault{s.at, Added, fmt.Sprintf("%d events stand here that were not appended here, and those after them have moved down", s.missing.Position-s.at)}
	}
	return &Fault{s.at, Swapped, fmt.Sprintf("what was appended here stands at %d", s.missing.Position)}
}

// belongs reports whether row was appended where the missing event was found.
func (s *search) belongs(row *Event, position int64) bool {
	previous := s.fromHash
	if position == s.at+1 {
		previous = s.itsHash
	}
	return s.appendedAt(row, position, previous, row.Hash, s.missing.Hash)
}

// follows reports whether e was appended right after the missing event.
func (s *search) follows(e *Event) bool {
	return s.appendedAt(e, s.at+1, s.itsHash, e.Hash)
}

// appendedAt reports whether e was appended at a position: by the leaf that was
// there, where it is known, else because its chain hash there, after previous, is one
// of those that are carried.
func (s *search) appendedAt(e *Event, position int64, previous Hash, carried ...Hash) bool {
	there := *e
	there.Position = position
	chain, leaf := s.hasher.hashes(previous, &there)
	if s.sealed {
		if sealed, known := s.leaf(position); known {
			return sealed == leaf
		}
	}
	return slices.Contains(carried, chain)
}

// end says what is known when nothing more will be seen.
func (s *search) end() error {
	if s.gap != 0 {
		if s.gap == s.at+1 {
			return &Fault{s.at, Removed, "this position is missing"}
		}
		return &Fault{s.at, Removed, fmt.Sprintf("the positions from here to %d are missing", s.gap-1)}
	}
	if s.missing != nil {
		return s.swappedOrAdded(nil)
	}
	if s.seen == 0 && s.sealed {
		if n := s.removed(nil); n > 0 {
			return &Fault{s.at, Removed, fmt.Sprintf("%d of the log's events are gone from here, and those after them have moved up", n)}
		}
	}
	if s.chain == s.row.Hash {
		return &Fault{s.at, Changed, "what stands there is not what was sealed, and its hash was computed anew"}
	}
	return &Fault{s.at, Changed, "what stands there is not what its chain hash was computed of"}
}
