package logproof_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/iotest"

	"tender/cmd/internal/logproof"
)

// TestTheFormatsVectorsHold holds this code to the vectors of docs/log-format.md.
func TestTheFormatsVectorsHold(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/log-format-1.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Previous, Encoded, Hash string
		Event                   map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 3 {
		t.Fatalf("%d vectors: %v", len(vectors), err)
	}
	for i, v := range vectors {
		v.Event["hash"] = json.RawMessage(strconv.Quote(v.Hash))
		line, err := json.Marshal(v.Event)
		if err != nil {
			t.Fatal(err)
		}
		e, err := logproof.ParseEvent(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(e.AppendEncoded(nil)); got != v.Encoded {
			t.Errorf("vector %d: encoded\n%s, want\n%s", i, got, v.Encoded)
		}
		var previous logproof.Hash
		if _, err := hex.Decode(previous[:], []byte(v.Previous)); err != nil {
			t.Fatal(err)
		}
		if got := logproof.ChainHash(previous, e); hex.EncodeToString(got[:]) != v.Hash || got != e.Hash {
			t.Errorf("vector %d: hash %x, want %s", i, got, v.Hash)
		}
	}
}

// TestTheVectorsAreTheLogsOwn keeps the copy equal to what the log's code is held to.
func TestTheVectorsAreTheLogsOwn(t *testing.T) {
	t.Parallel()
	ours, err := os.ReadFile("testdata/log-format-1.json")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../../../eventstore/testdata/log-format-1.json")
	if err != nil || !bytes.Equal(ours, theirs) {
		t.Errorf("the vectors differ from the log's: %v", err)
	}
}

// asCopy writes events as PostgreSQL's binary COPY does.
func asCopy(events []*logproof.Event) []byte {
	b := append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)
	field := func(value []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
		b = append(b, value...)
	}
	null := func() { b = binary.BigEndian.AppendUint32(b, 0xffffffff) }
	i8 := func(v int64) { field(binary.BigEndian.AppendUint64(nil, uint64(v))) }
	i4 := func(v int32) { field(binary.BigEndian.AppendUint32(nil, uint32(v))) }
	for _, e := range events {
		b = binary.BigEndian.AppendUint16(b, 17)
		i8(e.Position)
		field(e.Stream)
		i4(e.Version)
		field(e.Type)
		i4(e.SchemaVersion)
		field(e.EventID[:])
		field(e.CommandID[:])
		field(e.MerchantID)
		i8(int64(e.At))
		if e.HasEffectiveAt {
			i8(int64(e.EffectiveAt))
		} else {
			null()
		}
		i8(int64(e.RecordedAt))
		field(e.RequestID)
		if e.HasCausation {
			field(e.Causation[:])
		} else {
			null()
		}
		field(e.ActorKind)
		field(e.ActorID)
		field(e.Payload)
		field(e.Hash[:])
	}
	return binary.BigEndian.AppendUint16(b, 0xffff)
}

func TestCopyIsReadHoweverItIsCut(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(1, 5)), 40)
	data := asCopy(l.events)
	for _, size := range []int{1, 7, 100, len(data)} {
		v := logproof.NewVerifier(logproof.Config{})
		r := logproof.NewCopyReader(v.Add)
		for rest := data; len(rest) > 0; {
			n := min(size, len(rest))
			if _, err := r.Write(rest[:n]); err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
			rest = rest[n:]
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err := v.Finish(); err != nil || s.Last != 40 || s.Chain != l.events[39].Hash {
			t.Errorf("pieces of %d: %+v, %v", size, s, err)
		}
	}
}

func TestCopyThatIsBrokenIsRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(1, 6)), 3)
	data := asCopy(l.events)
	ignore := func(*logproof.Event) error { return nil }
	for name, broken := range map[string][]byte{
		"cut":                data[:len(data)-20],
		"without an end":     data[:len(data)-2],
		"with more":          append(bytes.Clone(data), 0, 17),
		"another format":     append([]byte("position,stream,version,type"), data...),
		"another row":        append(bytes.Clone(data[:19]), 0, 3, 0, 0),
		"a negative length":  append(bytes.Clone(data[:19]), 0, 17, 0xff, 0xff, 0xff, 0xf0),
		"an enormous length": append(bytes.Clone(data[:19]), 0, 17, 0x7f, 0xff, 0xff, 0xf0),
	} {
		r := logproof.NewCopyReader(ignore)
		_, err := r.Write(broken)
		if err == nil {
			err = r.Close()
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	r := logproof.NewCopyReader(func(*logproof.Event) error { return iotest.ErrTimeout })
	if _, err := r.Write(data); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("the reader's own error became %v", err)
	}
}

// TestARowThatNobodyCanHaveAppendedIsChanged takes the values from columns that must
// have one.
func TestARowThatNobodyCanHaveAppendedIsChanged(t *testing.T) {
	t.Parallel()
	l := newLog(t, mathrand.New(mathrand.NewPCG(1, 7)), 3)
	data := asCopy(l.events[:1])
	first := bytes.Index(data, l.events[0].Stream) - 4
	data = append(append(bytes.Clone(data[:first]), 0xff, 0xff, 0xff, 0xff), data[first+4+len(l.events[0].Stream):]...)
	v := logproof.NewVerifier(logproof.Config{})
	_, err := logproof.NewCopyReader(v.Add).Write(data)
	check(t, 1, "a stream without a value", err, 1, logproof.Changed)
}

func FuzzCopyReader(f *testing.F) {
	l := newLog(f, mathrand.New(mathrand.NewPCG(1, 8)), 3)
	f.Add(asCopy(l.events), 11)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		if cut < 0 || cut > len(data) {
			cut = 0
		}
		whole, pieces := 0, 0
		a := logproof.NewCopyReader(func(*logproof.Event) error { whole++; return nil })
		b := logproof.NewCopyReader(func(*logproof.Event) error { pieces++; return nil })
		_, err := a.Write(data)
		_, one := b.Write(data[:cut])
		if one == nil {
			_, one = b.Write(data[cut:])
		}
		if whole != pieces || (err == nil) != (one == nil) {
			t.Errorf("in one piece %d events, %v; in two %d, %v", whole, err, pieces, one)
		}
	})
}
