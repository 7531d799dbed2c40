package logproof_test

import (
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"tender/cmd/internal/logproof"
)

// sizes reads a file of checkpoints one by one.
func (l *log) sizes(t *testing.T, text string) (sizes string, pieces int) {
	t.Helper()
	var found []int64
	pieces, err := logproof.EachNote(strings.NewReader(text), func(text string) error {
		c, err := l.keys.Checkpoint(text)
		found = append(found, c.Size)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprint(found), pieces
}

func TestAFileOfCheckpointsIsReadOneByOne(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(2, 5)), 9, 3, 6, 9)
	var file strings.Builder
	for i, c := range l.sealed {
		file.WriteString(c.Note + strings.Repeat("\n", i))
	}
	if sizes, pieces := l.sizes(t, file.String()); sizes != "[3 6 9]" || pieces != 0 {
		t.Errorf("read were %s, and %d pieces", sizes, pieces)
	}
	stop := errors.New("stop")
	if _, err := logproof.EachNote(strings.NewReader(file.String()), func(string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error became %v", err)
	}
}

// TestAPieceOfACheckpointIsPassedOver cuts one off at every byte, as a crash does, and
// lets whoever comes next end the line.
func TestAPieceOfACheckpointIsPassedOver(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(2, 6)), 9, 3, 6, 9)
	first, second, third := l.sealed[0].Note+"\n", l.sealed[1].Note, l.sealed[2].Note+"\n"
	for cut := 1; cut < len(second); cut++ {
		want, pieces := "[3]", true
		if cut == len(second)-1 { // all but the last line's end
			want, pieces = "[3 6]", false
		}
		piece := first + second[:cut]
		if sizes, n := l.sizes(t, piece); sizes != want || n > 0 != pieces {
			t.Fatalf("with %d bytes of it, read were %s, and %d pieces", cut, sizes, n)
		}
		sizes, n := l.sizes(t, piece+"\n\n"+third)
		if sizes != strings.TrimSuffix(want, "]")+" 9]" || n > 0 != pieces {
			t.Fatalf("with %d bytes of it and another behind them, read were %s, and %d pieces", cut, sizes, n)
		}
	}
}

func TestCheckpointsNeedNotStandInOrder(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(2, 7)), 60, 10, 20, 30, 40, 50, 60)
	var text string
	for _, i := range []int{0, 2, 1, 3, 5, 0, 4, 5} {
		text += l.sealed[i].Note + "\n"
	}
	read := func(file io.Reader) (string, error) {
		source, stop := logproof.FileSource("kept", file, l.keys.Checkpoint)
		defer stop()
		var sizes []int64
		for {
			c, there, err := source()
			if err != nil || !there {
				return fmt.Sprint(sizes), err
			}
			sizes = append(sizes, c.Size)
		}
	}
	grows := strings.NewReader(text)
	if sizes, err := read(grows); err != nil || sizes != "[10 10 20 30 40 50 60 60]" {
		t.Errorf("read were %s, %v", sizes, err)
	}
	pipe := struct{ io.Reader }{strings.NewReader(text)}
	if sizes, err := read(pipe); err == nil || sizes != "[10 30]" {
		t.Errorf("what can be read once only was read as %s, %v", sizes, err)
	}
	for name, text := range map[string]string{
		"nothing":          "",
		"half of one":      l.sealed[0].Note[:100],
		"something else":   "position,stream,version\n1,pay_1,1\n",
		"one that is none": text + strings.Replace(l.sealed[3].Note, "\n40\n", "\nforty\n", 1),
		"a forged one":     text + strings.Replace(l.sealed[3].Note, "\n40\n", "\n41\n", 1),
	} {
		if _, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
