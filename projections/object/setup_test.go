package object_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tender/domain/codec"
	"tender/domain/decline"
	"tender/domain/method"
	"tender/eventstore"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	sessionID  = "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"
	paymentID  = "pay_01hzy3v7q8e4xk2m9c5b7d6f0a"
	checkoutID = "ckt_7v3k9m2x5q8w1r4t6y0zabcdef"
	attemptID  = "att_01hzy3v7q8e4xk2m9c5b7d6f0c"
	endpointID = "whe_01hzy3v7q8e4xk2m9c5b7d6f0f"
	captureID  = "cap_01hzy3v7q8e4xk2m9c5b7d6f0g"
	voidID     = "voi_01hzy3v7q8e4xk2m9c5b7d6f0h"
	refundID   = "ref_01hzy3v7q8e4xk2m9c5b7d6f0k"
	reversalID = "rev_01hzy3v7q8e4xk2m9c5b7d6f0j"
	amount     = 100_000
)

// noon is when the first event of each stream happens; the others follow a
// minute apart.
var noon = time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.UTC)

var (
	declined = decline.New(decline.CardDeclined, decline.InsufficientFunds)
	timedOut = decline.New(decline.TimedOut, "")
	visa     = method.Details{Type: "card", Card: &method.CardDetails{
		Type: "CREDIT", Scheme: "VISA", BIN: "424242", Last4: "4242", ExpMonth: 12, ExpYear: 2030,
	}}
)

// folded is what every kind of object here can do.
type folded[T any] interface {
	Apply(mode string, e eventstore.Event, d codec.Named) T
}

// envelope is the n-th event of a stream, from 1, without what folds don't read.
func envelope(stream string, n int) eventstore.Event {
	return eventstore.Event{Stream: stream, Version: n, At: noon.Add(time.Duration(n-1) * time.Minute)}
}

// show folds the events of one stream.
func show[T folded[T], E codec.Named](stream string, events []E) T {
	var o T
	for i, e := range events {
		o = o.Apply("test", envelope(stream, i+1), e)
	}
	return o
}

// checkGolden compares what clients see with what they were promised to see.
func checkGolden(t *testing.T, name string, o any) {
	t.Helper()
	got, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is shown as\n%s\nnot as\n%s", name, got, want)
	}
}

// marshal is an object as it travels.
func marshal(t interface{ Fatal(...any) }, o any) []byte {
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
