package proofs_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tender/domain/staff"
	"tender/eventstore"
	"tender/eventstore/seal"
	house "tender/handlers/handlerstest"
)

// bundle is an installation with payments in it, whose test log is sealed.
type bundle struct {
	*house.House
	store   *eventstore.Store
	finance *house.Caller
	shop    *house.Merchant
}

func setup(t *testing.T) *bundle {
	t.Helper()
	h := house.New(t)
	b := &bundle{House: h, store: h.First.Test.Engine.Store, shop: h.Merchant("test")}
	b.finance = h.First.Caller(t, h.StaffKey(staff.RoleFinance))
	if a := b.finance.Get("/audit/checkpoint"); a.Status != http.StatusNotFound {
		t.Errorf("before the log is sealed: %d %s", a.Status, a.Body)
	}
	for range 5 {
		b.pay(t)
	}
	b.seal(t)
	return b
}

func (b *bundle) pay(t *testing.T) {
	t.Helper()
	caller := b.First.Caller(t, b.shop.Secret)
	if a := caller.Post("/collect/payment_sessions", `{"amount": 1000, "currency": "ZAR"}`); a.Status != http.StatusCreated {
		t.Fatalf("a session: %d %s", a.Status, a.Body)
	}
}

// seal seals what there is.
func (b *bundle) seal(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	if err := seal.CreateKeys(path, "shop.example"); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	s := seal.New(seal.Config{Store: b.store, Keys: keys, Interval: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	go func() { _ = s.Run(t.Context()) }()
	house.Eventually(t, "the log is sealed", func() bool {
		status, err := seal.Read(t.Context(), b.store)
		return err == nil && status.Last != nil && status.Behind == 0
	})
}

func TestFinanceGetsProofs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var checkpoint struct {
		Size int64
		Root tlog.Hash
		Note string
	}
	into(t, b.finance.Get("/audit/checkpoint"), &checkpoint)
	head, _, err := b.store.Head(t.Context())
	if err != nil || checkpoint.Size != head || !strings.HasPrefix(checkpoint.Note, fmt.Sprintf("shop.example/log_test\n%d\n%s\n", head, checkpoint.Root)) {
		t.Fatalf("the checkpoint is %+v, the head %d, %v", checkpoint, head, err)
	}
	events, err := b.store.After(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		var proof struct {
			Event struct {
				Position int64
				Payload  string
			}
			Hashes     tlog.RecordProof
			Checkpoint string
		}
		into(t, b.finance.Get(fmt.Sprintf("/audit/proof/inclusion?position=%d", e.Position)), &proof)
		if err := tlog.CheckRecord(proof.Hashes, head, checkpoint.Root, e.Position-1, seal.LeafHash(e)); err != nil || proof.Checkpoint != checkpoint.Note ||
			proof.Event.Position != e.Position || proof.Event.Payload != string(e.Payload) {
			t.Errorf("position %d: %v, %+v", e.Position, err, proof)
		}
	}
	var proof struct {
		From, To int64
		Hashes   tlog.TreeProof
	}
	into(t, b.finance.Get("/audit/proof/consistency?from=3"), &proof)
	if proof.From != 3 || proof.To != head || len(proof.Hashes) == 0 {
		t.Errorf("the proof of consistency is %+v", proof)
	}
	into(t, b.finance.Get("/audit/proof/consistency?from=3&to=4"), &proof)
	if proof.To != 4 {
		t.Errorf("the proof of consistency is %+v", proof)
	}
	lines := strings.Split(strings.TrimSpace(string(b.finance.Get("/audit/proof/events?from=2&to=6").Is(http.StatusOK).Body)), "\n")
	var first, last struct {
		Format   string
		Position int64
	}
	if len(lines) != 6 || json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[5]), &last) != nil ||
		first.Format != "tender-events-1" || last.Position != 6 {
		t.Errorf("the export is\n%s", strings.Join(lines, "\n"))
	}
}

func TestWhoMayHaveWhichProof(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.Merchant("test")
	one := b.First.Caller(t, b.StaffKey(staff.RoleFinance, b.shop.ID))
	stranger := b.First.Caller(t, b.StaffKey(staff.RoleFinance, other.ID))
	operator := b.First.Caller(t, b.StaffKey(staff.RoleOperator))
	events, err := b.store.After(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	position := int64(0)
	for _, e := range events {
		if e.MerchantID == b.shop.ID {
			position = e.Position
		}
	}
	inclusion := fmt.Sprintf("/audit/proof/inclusion?position=%d", position)
	for name, c := range map[string]struct {
		caller *house.Caller
		path   string
		status int
	}{
		"its own event":                {one, inclusion, 200},
		"another merchant's":           {stranger, inclusion, 404},
		"a checkpoint for one":         {one, "/audit/checkpoint", 200},
		"events for one":               {one, "/audit/proof/events?from=1", 403},
		"an operator":                  {operator, "/audit/checkpoint", 403},
		"the other mode":               {b.finance, "/audit/checkpoint?mode=live", 404},
		"a position that is not there": {b.finance, "/audit/proof/inclusion?position=9999", 404},
		"no position":                  {b.finance, "/audit/proof/inclusion", 400},
		"position 0":                   {b.finance, "/audit/proof/inclusion?position=0", 400},
		"a word":                       {b.finance, "/audit/proof/consistency?from=one", 400},
		"backwards":                    {b.finance, "/audit/proof/consistency?from=3&to=2", 400},
		"beyond the end":               {b.finance, "/audit/proof/consistency?from=3&to=9999", 404},
		"events beyond the end":        {b.finance, "/audit/proof/events?from=3&to=9999", 404},
		"something else":               {b.finance, "/audit/checkpoint?size=3", 400},
	} {
		if a := c.caller.Get(c.path); a.Status != c.status {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}

// into decodes an answer that must be good.
func into(t *testing.T, a *house.Answer, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Is(http.StatusOK).Body, v); err != nil {
		t.Fatal(err)
	}
}
