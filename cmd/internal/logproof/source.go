package logproof

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
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

// lateMax bounds how many checkpoints of a file may stand behind larger ones: they are
// kept in memory. One is some 300 bytes.
const lateMax = 10_000

// FileSource returns the checkpoints of a file by rising size, and what ends its
// reading. Read is what believes one, such as [Keys.Checkpoint]. They need not stand
// there in that order, if the file can be read twice: it may have been put together
// from several, and a process that was suspended may have put an older one behind a
// later one. Of those that stand in order one is in memory, of the others all are. A
// file without any is an error.
func FileSource(name string, file io.Reader, read func(text string) (Checkpoint, error)) (source Source, stop func()) {
	file, late, err := setAside(file)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
		return func() (Checkpoint, bool, error) { return Checkpoint{}, false, err }, func() {}
	}
	rising, stopRising := pull(name, func(take func(string) error) error {
		return inOrder(file, len(late) > 0, take)
	}, read)
	if len(late) == 0 {
		return rising, stopRising
	}
	behind, stopLate := pull(name, func(take func(string) error) error {
		for _, text := range late {
			if err := take(text); err != nil {
				return err
			}
		}
		return nil
	}, read)
	return Merge(rising, behind), func() { stopRising(); stopLate() }
}

// ErrNoCheckpoint says that a file of checkpoints holds none: nothing would be compared.
var ErrNoCheckpoint = errors.New("it holds no checkpoint")

// pull turns what calls take with each note into a source.
func pull(name string, each func(take func(string) error) error, read func(text string) (Checkpoint, error)) (Source, func()) {
	next, stop := iter.Pull2(func(yield func(Checkpoint, error) bool) {
		n := 0
		stopped := errors.New("stopped")
		err := each(func(text string) error {
			n++
			c, err := read(text)
			if err != nil {
				return fmt.Errorf("checkpoint number %d: %w", n, err)
			}
			if !yield(c, nil) {
				return stopped
			}
			return nil
		})
		if err == nil && n == 0 {
			err = ErrNoCheckpoint
		}
		if err != nil && !errors.Is(err, stopped) {
			yield(Checkpoint{}, fmt.Errorf("%s: %w", name, err))
		}
	})
	return func() (Checkpoint, bool, error) {
		c, err, there := next()
		return c, there && err == nil, err
	}, stop
}

// setAside reads a file, if it can be read again, and returns the notes that stand
// behind larger ones, by rising size, and what reads as much of it once more.
func setAside(file io.Reader) (again io.Reader, late []string, err error) {
	seeker, ok := file.(io.Seeker)
	if !ok {
		return file, nil, nil
	}
	begin, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return file, nil, nil //nolint:nilerr // it is a pipe
	}
	var sizes []int64
	var largest int64
	counted := &countingReader{r: file}
	_, err = EachNote(counted, func(text string) error {
		size := noteSize(text, largest)
		if size >= largest {
			largest = size
			return nil
		}
		if len(late) == lateMax {
			return fmt.Errorf("more than %d of its checkpoints stand behind larger ones: name the files that it was put together from", lateMax)
		}
		at, _ := slices.BinarySearch(sizes, size+1)
		sizes, late = slices.Insert(sizes, at, size), slices.Insert(late, at, text)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	_, err = seeker.Seek(begin, io.SeekStart)
	return io.LimitReader(file, counted.n), late, err // it may grow meanwhile
}

// inOrder calls take with each note of a file but those that stand behind larger ones.
// Those have been set aside, or are an error.
func inOrder(file io.Reader, aside bool, take func(text string) error) error {
	var largest int64
	_, err := EachNote(file, func(text string) error {
		size := noteSize(text, largest)
		switch {
		case size >= largest:
			largest = size
			return take(text)
		case aside:
			return nil
		}
		return fmt.Errorf("a checkpoint of %d events stands behind one of %d", size, largest)
	})
	return err
}

// noteSize is the size in a checkpoint, believed or not; otherwise, if it has none:
// whoever reads it says what is wrong with it.
func noteSize(text string, otherwise int64) int64 {
	c, err := Unsigned(text)
	if err != nil {
		return otherwise
	}
	return c.Size
}

// countingReader counts what is read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
