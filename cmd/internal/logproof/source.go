package logproof

import (
	"fmt"
	"io"
	"iter"
)

// Merge returns the checkpoints of several sources as one, by rising size.
func Merge(sources ...Source) Source {
	type head struct {
		Source
		next  Checkpoint
		there bool
		known bool
	}
	heads := make([]head, len(sources))
	for i, s := range sources {
		heads[i] = head{Source: s}
	}
	return func() (Checkpoint, bool, error) {
		var least *head
		for i := range heads {
			h := &heads[i]
			if !h.known {
				var err error
				if h.next, h.there, err = h.Source(); err != nil {
					return Checkpoint{}, false, err
				}
				h.known = true
			}
			if h.there && (least == nil || h.next.Size < least.next.Size) {
				least = h
			}
		}
		if least == nil {
			return Checkpoint{}, false, nil
		}
		least.known = false
		return least.next, true, nil
	}
}

// FileSource returns the checkpoints of a file, which stand there by rising size, and
// what ends its reading. Read is what believes one, such as [Keys.Checkpoint].
func FileSource(name string, file io.Reader, read func(text string) (Checkpoint, error)) (source Source, stop func()) {
	var last int64
	next, stop := iter.Pull2(func(yield func(Checkpoint, error) bool) {
		n := 0
		stopped := fmt.Errorf("stopped")
		err := EachNote(file, func(text string) error {
			n++
			c, err := read(text)
			if err == nil && c.Size < last {
				err = fmt.Errorf("it is of %d events, the one before it of %d", c.Size, last)
			}
			if err != nil {
				return fmt.Errorf("checkpoint number %d: %w", n, err)
			}
			last = c.Size
			if !yield(c, nil) {
				return stopped
			}
			return nil
		})
		if err != nil && err != stopped { //nolint:errorlint // it is our own, and never wrapped
			yield(Checkpoint{}, fmt.Errorf("%s: %w", name, err))
		}
	})
	return func() (Checkpoint, bool, error) {
		c, err, there := next()
		return c, there && err == nil, err
	}, stop
}
