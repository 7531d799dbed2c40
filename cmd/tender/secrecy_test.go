package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"tender/cmd/tender/internal/devenv"
	"tender/cmd/tender/internal/tracing/tracingtest"
	"tender/eventstore/feed"
)

// checkoutID lets anybody pay who has it. It stands in the log of events, and in no
// line of what is logged.
var checkoutID = regexp.MustCompile(`ckt_[0-9a-z]{20,}`)

// TestSecrecy uses every test card, and telephones, and then looks for their numbers,
// and for the cards' holder's name, wherever something could have been written down.
func TestSecrecy(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	traces := tracingtest.New(t)
	i.also = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + traces.URL, "OTEL_BSP_SCHEDULE_DELAY=200"}
	i.start("--log-level", "debug")
	i.hears(t)
	const holder = "Zebedee Quillfeather"
	cards := []string{
		"4242424242424242", "5555555555554444", "5273460000073333", "378282246310005", "4000000000000002",
		"4000000000009995", "4000000000000069", "4000000000000127", "4000000000000119", "4000000000003220",
		"4000000000000408", "4000000000000440", "4000000000000457", "4111111111111111",
	}
	for n, number := range cards {
		s := i.session(fmt.Sprint("card", n), 1000)
		cvc := "123"
		if strings.HasPrefix(number, "37") {
			cvc = "1234"
		}
		spaced := number[:4] + " " + number[4:]
		for _, typed := range []string{number, spaced} {
			body := `{"payment_method":{"type":"card","card":{"number":"` + typed + `","exp_month":12,"exp_year":2034,"cvc":"` + cvc + `","name":"` + holder + `"}}}`
			if _, _, err := i.call(t.Context(), http.MethodPost, "/checkout/"+s.text("checkout_session_id")+"/attempts", "", body); err != nil {
				t.Fatal(err)
			}
		}
	}
	phones := i.paysByTelephone()
	// Bodies that are refused must not be written down either.
	s := i.session("refused", 1000)
	for _, body := range []string{
		`{"payment_method":{"type":"card","card":{"number":"` + cards[0] + `","exp_month":1,"exp_year":2001,"cvc":"12","name":"` + holder + `","nickname":"` + holder + `"}}}`,
		`{"number":"` + cards[0] + `"`,
		`{"payment_method":{"type":"mtn_momo","mtn_momo":{"phone":"` + phones[0] + `9"}}}`,
		`{"payment_method":{"type":"capitec_pay","capitec_pay":{"phone":"` + phones[0] + `","bank":"` + phones[0] + `"}}}`,
	} {
		_, _, _ = i.call(t.Context(), http.MethodPost, "/checkout/"+s.text("checkout_session_id")+"/attempts", "", body)
	}

	// Nor may a checkout's id, however its address is wrong.
	checkout := "/checkout/" + s.text("checkout_session_id")
	for _, path := range []string{checkout, checkout + "/state", checkout + "/nothing", checkout + "0", "/errors" + checkout} {
		_, _, _ = i.call(t.Context(), http.MethodGet, path, "", "")
	}
	_, _, _ = i.call(t.Context(), http.MethodPut, checkout, "", "{}")
	_, _, _ = i.call(t.Context(), http.MethodPost, checkout+"/cancel", "", "{}")

	i.isTraced(traces)
	places := map[string][]byte{
		"a dump of the database": dump(t, i.env[devenv.DatabaseAdminURL]),
		"the messages":           messages(t, i.env[devenv.NATSURL]),
	}
	i.stop()
	places["the output"] = i.output.Bytes()
	log, err := os.ReadFile(filepath.Join(i.dir, "tender.log"))
	if err != nil {
		t.Fatal(err)
	}
	places["the process's log"], places["the traces"] = log, []byte(traces.Raw())
	for _, place := range []string{"the output", "the process's log", "the traces"} {
		if at := checkoutID.FindIndex(places[place]); at != nil {
			t.Errorf("%s holds a checkout's id: …%s", place, places[place][max(0, at[0]-200):at[1]])
		}
	}
	for place, text := range places {
		if len(text) < 100 && place != "the output" {
			t.Errorf("%s is empty: nothing was searched", place)
		}
		lower := bytes.ToLower(text)
		for _, secret := range slices.Concat(cards, phones, []string{holder}) {
			for how, form := range formsOf(secret) {
				if bytes.Contains(text, []byte(form)) || !strings.HasPrefix(how, "base64") && bytes.Contains(lower, []byte(strings.ToLower(form))) {
					t.Errorf("%s holds %s as %s", place, secret, how)
				}
			}
		}
	}
}

// hears makes an endpoint that takes every webhook.
func (i *installation) hears(t *testing.T) {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(endpoint.Close)
	i.must(http.StatusCreated, http.MethodPost, "/webhooks/endpoints", "endpoint", `{"url":"`+endpoint.URL+`","events":["*"]}`)
}

// isTraced waits until each kind of work has come to the collector, each piece in its
// own trace, with what belongs to it.
func (i *installation) isTraced(c *tracingtest.Collector) {
	i.t.Helper()
	kinds := []string{
		"POST /checkout/{checkout}/attempts", "GET /collect/payment_sessions/{id}", "append", "append batch", "acquirer authorise", "acquirer settle",
		"project payments", "webhook", "seal", "due",
	}
	missing := kinds
	i.t.Cleanup(func() {
		if len(missing) > 0 {
			i.t.Logf("no span came of %q", missing)
		}
	})
	i.eventually(time.Minute, "all kinds of work are traced", func() bool {
		missing = slices.DeleteFunc(missing, func(name string) bool {
			return slices.ContainsFunc(c.Spans(), func(s *tracepb.Span) bool { return s.GetName() == name })
		})
		return len(missing) == 0
	})
	parents := map[string]string{}
	for _, s := range c.Spans() {
		parents[tracingtest.Hex(s.GetSpanId())] = s.GetName()
	}
	under := map[string]bool{}
	for _, s := range c.Spans() {
		under[s.GetName()+" under "+parents[tracingtest.Hex(s.GetParentSpanId())]] = true
	}
	for _, want := range []string{
		"append under POST /checkout/{checkout}/attempts", "acquirer authorise under POST /checkout/{checkout}/attempts",
		"acquirer settle under due", "append under due", "append under webhook", "append batch under ", "project payments under ", "seal under ",
	} {
		if !under[want] {
			i.t.Errorf("there is no %q", want)
		}
	}
}

// paysByTelephone pays by every kind that asks for a number: as a customer does who
// approves by themselves, and one who agrees to later payments; and with a number that
// is declined. It returns the numbers as texts that can be told from others: without
// what every number of the country begins with.
func (i *installation) paysByTelephone() (numbers []string) {
	i.t.Helper()
	const series = `,"type":"first_in_series","options":{"mandate_options":{"type":"scheduled","recurrence":{"type":"monthly","interval_count":1}}}`
	for n, c := range []struct{ kind, number, options string }{
		{"capitec_pay", "738640001", ""}, {"mtn_momo", "738650001", ""}, {"mtn_momo", "738660404", ""}, {"capitec_pay", "738670001", series},
	} {
		s := i.must(http.StatusCreated, http.MethodPost, "/collect/payment_sessions", fmt.Sprint("telephone", n), `{"amount":1000,"currency":"ZAR"`+c.options+`}`)
		body := `{"payment_method":{"type":"` + c.kind + `","` + c.kind + `":{"phone":"0` + c.number[:2] + ` ` + c.number[2:] + `"}}`
		if c.options != "" {
			body += `,"accept_mandate":true`
		}
		a := i.must(http.StatusOK, http.MethodPost, "/checkout/"+s.text("checkout_session_id")+"/attempts", "", body+"}")
		if a.text("payment_outcome") != "pending" {
			i.t.Fatalf("%s by %s: %v", c.number, c.kind, a)
		}
		if c.number[5:] == "0001" {
			i.eventually(20*time.Second, "it is approved", func() bool {
				return i.must(http.StatusOK, http.MethodGet, "/collect/payment_sessions/"+s.text("id"), "", "").text("payment_outcome") == "paid"
			})
		}
		numbers = append(numbers, c.number)
	}
	return numbers
}

// formsOf are the ways in which a text may stand somewhere. In base64 it looks
// different at each of three offsets; what its neighbours change is left out. Bytes
// are dumped in hex, also where they are base64 themselves.
func formsOf(secret string) map[string]string {
	forms := map[string]string{"text": secret, "hex": hex.EncodeToString([]byte(secret))}
	for offset := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, offset), secret...))
		from := []int{0, 2, 3}[offset]
		to := (offset + len(secret)) * 8 / 6
		name := "base64" + strings.Repeat("+", offset)
		forms[name] = encoded[from:to]
		forms[name+" in hex"] = hex.EncodeToString([]byte(encoded[from:to]))
	}
	return forms
}

func dump(t *testing.T, adminURL string) []byte {
	t.Helper()
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if len(programs) == 0 {
		t.Fatal("there is no pg_dump")
	}
	out, err := exec.Command(programs[len(programs)-1], adminURL).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func messages(t *testing.T, url string) []byte {
	t.Helper()
	nc, err := feed.Connect(url, "secrecy-test")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.OrderedConsumer(t.Context(), "LOG_test", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for {
		m, err := consumer.Next(jetstream.FetchMaxWait(2 * time.Second))
		if err != nil {
			return all.Bytes()
		}
		all.WriteString(m.Subject())
		for name, values := range m.Headers() {
			fmt.Fprint(&all, name, values)
		}
		all.Write(m.Data())
	}
}
