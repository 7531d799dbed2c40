package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

const positionHeader = "Event-Position"

// ids are those of a page's objects, in its order.
func ids(a *handlerstest.Answer) []string {
	var all []string
	for i := range a.Len("data") {
		all = append(all, a.Text(fmt.Sprintf("data.%d.id", i)))
	}
	return all
}

// list reads a page that is at least as new as the last write.
func (b *bundle) list(t *testing.T, path string, query ...string) *handlerstest.Answer {
	t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			values.Set(query[i], query[i+1])
		}
	}
	return b.of(t).Get(path + "?" + values.Encode())
}

// make makes n sessions and returns their ids, newest first, and the position of
// the last.
func (b *bundle) sessions(t *testing.T, n int, more ...object) (made []string, position string) {
	t.Helper()
	for range n {
		a := b.of(t).Post(sessions, handlerstest.Session(10_000, more...)).Is(201)
		made = append(made, a.Text("id"))
		position = a.Header.Get(positionHeader)
	}
	slices.Reverse(made)
	return made, position
}

func TestListPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	made, position := b.sessions(t, 25)
	first := b.list(t, sessions, "min_position", position).Is(200)
	if got := ids(first); !slices.Equal(got, made[:20]) || first.At("has_more") != true {
		t.Errorf("the first page is %v", got)
	}
	if first.Header.Get("Projection-Position") == "" {
		t.Error("no Projection-Position")
	}
	// A page goes on where it ended, however many new objects came meanwhile.
	newer, position := b.sessions(t, 3)
	second := b.list(t, sessions, "cursor", first.Text("next_cursor"), "min_position", position).Is(200)
	if got := ids(second); !slices.Equal(got, made[20:]) || second.At("has_more") != false {
		t.Errorf("the second page is %v", got)
	}
	if got := ids(b.list(t, sessions, "limit", "3").Is(200)); !slices.Equal(got, newer) {
		t.Errorf("the newest are %v", got)
	}
	all := append(slices.Clone(newer), made...)
	for _, limit := range []int{1, 7, 28, 100} {
		var got []string
		for cursor := ""; ; {
			page := b.list(t, sessions, "limit", fmt.Sprint(limit), "cursor", cursor).Is(200)
			got = append(got, ids(page)...)
			if cursor = page.Text("next_cursor"); cursor == "" {
				break
			}
			if page.Len("data") != limit {
				t.Errorf("a page of %d has %d", limit, page.Len("data"))
			}
		}
		if !slices.Equal(got, all) {
			t.Errorf("by %d it is %v", limit, got)
		}
	}
	// What is listed is what is read.
	for i, id := range made[:2] {
		one := b.Get(sessions + "/" + id).Is(200)
		if listed := text(first.At(fmt.Sprintf("data.%d", i))); listed != text(one.At("")) {
			t.Errorf("listed it is\n%s\nread\n%s", listed, one.Body)
		}
	}
}

func TestEmptyList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	for _, path := range []string{sessions, payments} {
		a := b.Get(path).Is(200).Shows(object{"has_more": false, "next_cursor": nil})
		if a.Len("data") != 0 || a.At("data") == nil {
			t.Errorf("it is %s", a.Body)
		}
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-4*time.Hour))
	b.First.Project()
	old, _ := b.sessions(t, 2, object{"external_reference": "old"})
	b.Clock.Advance(time.Hour)
	midst := b.Clock.Now().UTC()
	b.Clock.Advance(time.Hour)
	recent, _ := b.sessions(t, 3, object{"external_reference": "recent"})
	cancelled := b.Post(sessions+"/"+recent[1]+"/cancel", nil).Is(200)
	paidSession, paid := b.Paid(10_000, goodCard, object{"external_reference": "recent"})
	_, declined := b.Paid(10_000, "4000000000000002", object{"external_reference": "declined"})
	last := b.Post(sessions, with(nil)).Is(201)
	position := last.Header.Get(positionHeader)
	_ = cancelled
	active := append([]string{recent[0], recent[2]}, old...)
	declinedSession := b.Payment(declined).Text("payment_session_id")
	stamp := midst.Format(time.RFC3339Nano)
	elsewhere := midst.In(time.FixedZone("", -3*3600)).Format(time.RFC3339Nano)

	for _, c := range []struct {
		name  string
		path  string
		query []string
		want  []string
	}{
		{"active", sessions, []string{"status", "active"}, append([]string{last.Text("id"), declinedSession}, active...)},
		{"completed", sessions, []string{"status", "completed"}, []string{paidSession}},
		{"cancelled", sessions, []string{"status", "cancelled"}, []string{recent[1]}},
		{"expired", sessions, []string{"status", "expired"}, nil},
		{"by reference", sessions, []string{"external_reference", "old"}, old},
		{"by reference and status", sessions, []string{"external_reference", "recent", "status", "active"}, []string{recent[0], recent[2]}},
		{"an unknown reference", sessions, []string{"external_reference", "none"}, nil},
		{"since", sessions, []string{"created[gte]", stamp, "external_reference", "recent"}, append([]string{paidSession}, recent...)},
		{"before", sessions, []string{"created[lt]", stamp}, old},
		{"before, in another zone", sessions, []string{"created[lt]", elsewhere}, old},
		{"between", sessions, []string{"created[gte]", stamp, "created[lt]", stamp}, nil},
		{"payments", payments, nil, []string{declined, paid}},
		{"payments that succeeded", payments, []string{"status", "succeeded"}, []string{paid}},
		{"payments in draft", payments, []string{"status", "draft"}, []string{declined}},
		{"payments by reference", payments, []string{"external_reference", "declined"}, []string{declined}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := b.list(t, c.path, append(c.query, "min_position", position)...).Is(200)
			if got := ids(a); !slices.Equal(got, c.want) {
				t.Errorf("it lists %v, not %v", got, c.want)
			}
			if len(c.want) < 2 {
				return
			}
			// With the cursor of one list its rest is read, by the same filters only.
			page := b.list(t, c.path, append(c.query, "limit", "1")...).Is(200)
			rest := b.list(t, c.path, append(c.query, "cursor", page.Text("next_cursor"))...).Is(200)
			if got := ids(rest); !slices.Equal(got, c.want[1:]) {
				t.Errorf("the rest is %v, not %v", got, c.want[1:])
			}
			blames(t, b.list(t, c.path, append(c.query, "cursor", page.Text("next_cursor"), "created[gte]", "2020-01-01T00:00:00Z")...), "cursor: invalid_token")
		})
	}
}

// Times at the edges of what can be written are times like any other.
func TestCreatedBoundsFarAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	_, position := b.sessions(t, 1)
	for query, want := range map[string]int{
		"created[gte]=0000-01-01T00:00:00Z": 1, "created[lt]=9999-12-31T23:59:59Z": 1,
		"created[lt]=0000-01-01T00:00:00Z": 0, "created[gte]=9999-12-31T23:59:59-23:59": 0,
	} {
		if a := b.Get(sessions + "?" + query + "&min_position=" + position).Is(200); a.Len("data") != want {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
}

// created[gte] holds the very instant, created[lt] does not.
func TestCreatedBoundsAreExact(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	a := b.Post(sessions, with(nil)).Is(201)
	created, position := a.Text("created_at"), a.Header.Get(positionHeader)
	if got := ids(b.list(t, sessions, "created[gte]", created, "min_position", position).Is(200)); len(got) != 1 {
		t.Errorf("since then: %v", got)
	}
	if got := ids(b.list(t, sessions, "created[lt]", created).Is(200)); len(got) != 0 {
		t.Errorf("before then: %v", got)
	}
}

// Where no projector has ever run there are no lists yet, and that will pass.
func TestListsBeforeTheFirstProjector(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Get(sessions).Problem(503, "service_unavailable")
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	_, position := b.sessions(t, 2)
	cursor := b.list(t, sessions, "limit", "1", "min_position", position).Is(200).Text("next_cursor")
	stranger := b.First.Caller(t, b.Merchant("test").Secret)
	live := b.First.Caller(t, b.Merchant("live").Secret)
	foreign := stranger.Post(sessions, with(nil)).Is(201).Header.Get(positionHeader)
	for query, want := range map[string]string{
		"limit=0":                             "limit: too_small",
		"limit=-1":                            "limit: too_small",
		"limit=101":                           "limit: too_large",
		"limit=99999999999999999999999":       "limit: too_large",
		"limit=ten":                           "limit: wrong_type",
		"limit=1.5":                           "limit: wrong_type",
		"limit=":                              "limit: too_short",
		"limit=1&limit=2":                     "limit: duplicate",
		"status=paid":                         "status: not_an_option",
		"status=":                             "status: too_short",
		"status=ACTIVE":                       "status: not_an_option",
		"external_reference=a%20b":            "external_reference: invalid_format",
		"external_reference=":                 "external_reference: too_short",
		"created[gte]=yesterday":              "created[gte]: invalid_format",
		"created[lt]=2026-11-22":              "created[lt]: invalid_format",
		"created[lt]=":                        "created[lt]: too_short",
		"created[gt]=2026-11-22":              "created[gt]: unknown",
		"customer_id=cus_1":                   "customer_id: invalid_format",
		"metadata[]=x":                        "metadata[]: too_short",
		"metadata[k]=":                        "metadata[k]: too_short",
		"foo=1":                               "foo: unknown",
		"cursor=x":                            "cursor: invalid_token",
		"cursor=":                             "cursor: too_short",
		"cursor=" + position:                  "cursor: invalid_token",
		"cursor=" + cursor + "x":              "cursor: invalid_token",
		"min_position=17":                     "min_position: invalid_token",
		"min_position=":                       "min_position: too_short",
		"min_position=" + cursor:              "min_position: invalid_token",
		"min_position=" + foreign:             "min_position: invalid_token",
		"cursor=" + cursor + "&status=active": "cursor: invalid_token",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			blames(t, b.of(t).Get(sessions+"?"+query), want)
		})
	}
	t.Run("the other list", func(t *testing.T) {
		t.Parallel()
		blames(t, b.of(t).Get(payments+"?cursor="+cursor), "cursor: invalid_token")
	})
	t.Run("another merchant", func(t *testing.T) {
		t.Parallel()
		blames(t, stranger.Get(sessions+"?cursor="+cursor), "cursor: invalid_token")
		blames(t, stranger.Get(sessions+"?min_position="+position), "min_position: invalid_token")
	})
	t.Run("another mode", func(t *testing.T) {
		t.Parallel()
		blames(t, live.Get(sessions+"?cursor="+cursor+"&min_position="+position), "cursor: invalid_token", "min_position: invalid_token")
	})
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		blames(t, b.of(t).Get(sessions+"?limit=0&status=x&foo=1"), "limit: too_small", "status: not_an_option", "foo: unknown")
	})
	t.Run("what can't be read", func(t *testing.T) {
		t.Parallel()
		for _, query := range []string{"limit=%zz", "limit=1;status=active", "metadata[a]=%ff", "metadata[%c3]=a"} {
			b.of(t).Get(sessions+"?"+query).Problem(400, "malformed_request")
		}
	})
	t.Run("parameters of a single object", func(t *testing.T) {
		t.Parallel()
		blames(t, b.of(t).Get(sessions+"/ps_01hzy3v7q8e4xk2m9c5b7d6f0a?expand=payment"), "expand: unknown")
	})
}

// What one write has done shows in every list that is asked for its position: of
// sessions and of payments.
func TestMinPositionCoversTheWholeWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	for range 5 {
		sessionID, _ := b.Paid(10_000, "4000000000000002") // declined: the session goes on
		a := b.Post(sessions+"/"+sessionID+"/cancel", nil).Is(200)
		position := a.Header.Get(positionHeader)
		if got := b.list(t, payments, "limit", "1", "min_position", position).Is(200); got.Text("data.0.status") != "cancelled" {
			t.Errorf("the payment is listed as %s", got.Text("data.0.status"))
		}
		if got := b.list(t, sessions, "limit", "1", "min_position", position).Is(200); got.Text("data.0.status") != "cancelled" {
			t.Errorf("the session is listed as %s", got.Text("data.0.status"))
		}
	}
}

// The position that a write answers with is where it ends, whatever streams it
// wrote to, and a replay's is where the first answer's object stood.
func TestEventPositionIsTheWritesEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ends := func(name string, a *handlerstest.Answer) {
		t.Helper()
		head, _, err := b.First.Test.Engine.Store.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := b.merchant.Position(a.Header.Get(positionHeader)); got != head {
			t.Errorf("%s: its position is %d, the log ends at %d", name, got, head)
		}
	}
	ends("create", b.Post(sessions, with(nil)).Is(201))
	sessionID, _ := b.Create(10_000)
	ends("cancel", b.cancel(sessionID).Is(200))
	sessionID, _ = b.Paid(10_000, declinedCard)
	ends("cancel with a payment", b.cancel(sessionID).Is(200))
	sessionID, _ = b.Paid(10_000, challengeCard)
	ends("cancel during a challenge", b.cancel(sessionID).Is(200))
	paymentID := b.Reserved(10_000, goodCard)
	first := b.Capture(paymentID, 1, key("k")).Is(200)
	ends("capture", first)
	ends("void", b.Void(paymentID).Is(200))
	again := b.Capture(paymentID, 1, key("k")).Is(200)
	if got, want := b.merchant.Position(again.Header.Get(positionHeader)), b.merchant.Position(first.Header.Get(positionHeader)); got != want {
		t.Errorf("replayed it is %d, not %d", got, want)
	}
}

// A list that has not come so far waits, and says after 2 s that it did not get
// there; as soon as it moves it is read.
func TestMinPositionWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := b.First.Project()
	made, position := b.sessions(t, 1)
	b.list(t, sessions, "min_position", position).Is(200)
	stop()
	newer, position := b.sessions(t, 1)

	begun := time.Now()
	a := b.list(t, sessions, "min_position", position).Problem(503, "position_not_reached")
	if waited := time.Since(begun); waited < 1900*time.Millisecond || a.Header.Get("Retry-After") == "" {
		t.Errorf("after %s it says to come again in %q s", waited, a.Header.Get("Retry-After"))
	}
	// Whoever does not ask for it sees what there is, as far as it goes.
	if got := ids(b.list(t, sessions).Is(200)); !slices.Equal(got, made) {
		t.Errorf("without asking: %v", got)
	}
	// Kept by another process, it is noticed here as well.
	b.Process().Project()
	want := append(slices.Clone(newer), made...)
	eventually(t, "the list gets there", func() bool {
		a := b.list(t, sessions, "min_position", position)
		return a.Status == 200 && slices.Equal(ids(a), want)
	})
}

// The position that a list answers with is one to wait for, too.
func TestProjectionPosition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	_, position := b.sessions(t, 1)
	a := b.list(t, sessions, "min_position", position).Is(200)
	b.list(t, payments, "min_position", a.Header.Get("Projection-Position")).Is(200)
}
