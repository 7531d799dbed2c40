package demo

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	const key = "sk_test_WPEPHFkWTJd3Gnhy4VwBPyiSz3cPSLOG"
	s := &Shop{Config: Config{Key: key}}
	got := string(s.mask([]byte(`{"secret":"whsec_bm90IGEgc2VjcmV0ISBub3QgYSBzZWNyZXQh","key":"` + key + `"}`)))
	if want := `{"secret":"whsec_••••••••","key":"sk_test_••••••••SLOG"}`; got != want {
		t.Errorf("%s instead of %s", got, want)
	}
	for _, short := range []string{"", "sk_test_1", "sk_test_1234567"} {
		if got := maskedKey(short); got != masked {
			t.Errorf("of a key like %q %q is shown", short, got)
		}
	}
}

// TestCurlIsOneShellCommand has a shell read what is copied.
func TestCurlIsOneShellCommand(t *testing.T) {
	t.Parallel()
	body := `{"name":"O'Brien $HOME ` + "`id`" + ` \\ \"!\""}`
	e := &entry{method: "POST", target: "/collect/customers", key: "demo-1", request: []byte(body)}
	shell := exec.Command("sh", "-c", `curl() { for word; do printf '%s\n' "$word"; done; }; `+e.curl())
	shell.Env = []string{"TENDER_URL=http://127.0.0.1:1", "TENDER_SECRET_KEY=key"}
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := strings.Join([]string{
		"-X", "POST", "http://127.0.0.1:1/collect/customers", "-H", "Authorization: Bearer key",
		"-H", "Idempotency-Key: demo-1", "-H", "Content-Type: application/json", "-d", body, "",
	}, "\n")
	if string(out) != want {
		t.Errorf("the shell reads\n%s\ninstead of\n%s", out, want)
	}
	if got := (&entry{method: "GET", target: "/collect/payments"}).curl(); got != "curl \"$TENDER_URL/collect/payments\" \\\n  -H \"Authorization: Bearer $TENDER_SECRET_KEY\"" {
		t.Errorf("a GET is %s", got)
	}
}

func TestPrettyKnowsNamesFromStrings(t *testing.T) {
	t.Parallel()
	var set []string
	for _, part := range pretty([]byte(`{"a":"b: \"c\"","n":-1.5,"l":[true,null,{}]}`)) {
		if part.Kind != tokenPlain {
			set = append(set, string(part.Kind)+" "+part.Text)
		}
	}
	want := []string{`n "a"`, `s "b: \"c\""`, `n "n"`, `l -1.5`, `n "l"`, `l true`, `l null`}
	if strings.Join(set, "\n") != strings.Join(want, "\n") {
		t.Errorf("it is set as\n%s", strings.Join(set, "\n"))
	}
}

// FuzzPretty holds that nothing of a text is lost or added, whatever it is.
func FuzzPretty(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"x\"y",null]}`, `"`, `{`, "", "<script>", `{"é":"\u00e9\\"}`, "[1e5,-0]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var text bytes.Buffer
		for _, part := range pretty(body) {
			text.WriteString(part.Text)
		}
		var want bytes.Buffer
		if err := json.Indent(&want, body, "", "  "); err != nil {
			return // shown as it is, bytes that are no text aside
		}
		if text.String() != want.String() {
			t.Errorf("%q is shown as %q", want.String(), text.String())
		}
	})
}

// TestTheNewestVersionStays holds what webhooks need: they may come late, and twice.
func TestTheNewestVersionStays(t *testing.T) {
	t.Parallel()
	s := &Shop{orders: map[string]*order{}, owners: map[string]string{}}
	o := s.enter("demo-aaaaaaaa", flows[0], testTime)
	for _, body := range []string{
		`{"id":"pay_1","version":2,"status":"processing"}`,
		`{"id":"pay_1","version":4,"status":"succeeded"}`,
		`{"id":"pay_1","version":3,"status":"draft"}`,
		`{"data":[{"id":"pay_1","version":4,"status":"twice"},{"id":"ps_1","version":1,"status":"active"}]}`,
	} {
		s.keep(o, []byte(body))
	}
	if got := o.payments["pay_1"].value.Status; got != "succeeded" {
		t.Errorf("the payment is %q", got)
	}
	if got := o.sessions["ps_1"].value.Status; got != "active" {
		t.Errorf("the session is %q", got)
	}
}

func TestTheBooksAreBounded(t *testing.T) {
	t.Parallel()
	s := &Shop{orders: map[string]*order{}, owners: map[string]string{}, seen: map[string]*entry{}, changed: make(chan struct{})}
	for n := range 3 * ordersMax {
		o := s.enter("demo-"+strings.Repeat("a", 8)+string(rune('a'+n%26))+strings.Repeat("b", n/26), flows[0], testTime.AddDate(0, 0, n))
		s.keep(o, []byte(`{"id":"ps_`+o.ref+`","version":1}`))
	}
	if len(s.orders) != ordersMax || len(s.owners) != ordersMax {
		t.Errorf("%d orders and %d objects are kept", len(s.orders), len(s.owners))
	}
	o := s.recent()[0]
	for range 2 * entriesMax {
		s.add(o, &entry{kind: kindNote})
	}
	if n := len(o.entries); n != entriesMax || o.entries[n-1].n != 2*entriesMax || o.dropped != entriesMax {
		t.Errorf("%d entries are kept, %d dropped, the last is number %d", n, o.dropped, o.entries[n-1].n)
	}
	for n := range messagesMax + 10 {
		id := strings.Repeat("x", n+1)
		s.hear(message{ID: id, Type: "webhook.test"}, heading{}, nil, nil)
	}
	if len(s.seen) != messagesMax || len(s.seenIDs) != messagesMax {
		t.Errorf("%d messages are remembered", len(s.seen))
	}
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for cents, want := range map[int64]string{0: "ZAR 0.00", 5: "ZAR 0.05", 18900: "ZAR 189.00", 123456789: "ZAR 1,234,567.89", 100_000_000: "ZAR 1,000,000.00"} {
		if got := money(cents); got != want {
			t.Errorf("%d is %s, not %s", cents, got, want)
		}
	}
}

// A retry shows its own day, and why it failed in words.
func TestLedger(t *testing.T) {
	t.Parallel()
	s := &Shop{orders: map[string]*order{}, owners: map[string]string{}}
	o := s.enter("demo-aaaaaaaa", flows[0], testTime)
	const failed = `"payment_outcome":"unpaid","last_payment_error":{"error_code":"card_declined","decline_code":"insufficient_funds","message":"The card was declined: no funds."}`
	s.keep(o, []byte(`{"data":[
		{"id":"ps_1","version":3,"type":"next_in_series","amount":18900,"created_at":"2026-02-01T00:00:00.000Z",
			"occurrence":{"number":1,"scheduled_for":"2026-02-01T00:00:00.000Z","attempt":1},`+failed+`},
		{"id":"ps_2","version":3,"type":"next_in_series","amount":18900,"created_at":"2026-02-02T00:00:00.000Z",
			"occurrence":{"number":1,"scheduled_for":"2026-02-01T00:00:00.000Z","attempt":2},"payment_outcome":"paid"},
		{"id":"ps_3","version":3,"type":"next_in_series","amount":100,"created_at":"2026-02-03T00:00:00.000Z","payment_outcome":"paid"}]}`))
	var got []string
	for _, row := range ledger(o.later()) {
		got = append(got, strings.Join([]string{row.Text, day(row.Date), row.Amount, row.Status}, " | "))
	}
	want := []string{
		"№ 1 | 1 Feb 2026 | ZAR 189.00 | The card was declined: no funds.",
		"№ 1, try 2 | 2 Feb 2026 | ZAR 189.00 | paid",
		"№ 3 | 3 Feb 2026 | ZAR 1.00 | paid",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the ledger is\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestMethodsAreNamed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"type":"card","card":{"scheme":"VISA","last4":"4242"}}`:               "VISA •••• 4242",
		`{"type":"instant_eft","instant_eft":{"bank":"fnb","bank_name":"FNB"}}`: "Instant EFT at FNB",
		`{"type":"capitec_pay","capitec_pay":{"phone":"•••• 4567"}}`:            "Capitec Pay, •••• 4567",
		`{"type":"mtn_momo","mtn_momo":{"phone":"•••• 4567"}}`:                  "MTN MoMo, •••• 4567",
		`{"type":"another"}`: "another",
	} {
		var d details
		if err := json.Unmarshal([]byte(body), &d); err != nil || d.said() != want {
			t.Errorf("%s is named %q, not %q: %v", body, d.said(), want, err)
		}
		if got := gist([]byte(`{"id":"pay_1","payment_method_details":` + body + `}`)); got != want {
			t.Errorf("the gist of a payment is %q, not %q", got, want)
		}
	}
	if got := gist([]byte(`{"type":"capitec_pay","capitec_pay":{"phone":"•••• 4567"},"status":"active"}`)); got != "active · Capitec Pay, •••• 4567" {
		t.Errorf("the gist of a saved method is %q", got)
	}
}

func TestWhatWentBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    payment
		want bool
	}{
		{payment{Amount: 100, Authorised: 100, Paid: 60, Refunded: 60}, true},
		{payment{Amount: 100, Authorised: 100, Paid: 100, Refunded: 60}, false},
		{payment{Amount: 100, Refunded: 100}, true},
		{payment{Amount: 100, Refunded: 60}, false},
		{payment{Amount: 100}, false},
	} {
		if c.p.wentBack() != c.want {
			t.Errorf("of %+v all went back: %t", c.p, !c.want)
		}
	}
}
