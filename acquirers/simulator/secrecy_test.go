package simulator_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every card and every telephone number goes every way through the simulator; then a dump of its database
// and everything that it logged or answered is searched for the numbers.
func TestNoNumberIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	numbers := []string{
		"4242424242424242", "5555555555554444", "5273460000073333", "378282246310005",
		"4000000000000002", "4000000000000069", "4000000000003220", "4000000000000341", "4000000000000432",
		"4000000000000408", "4000000000000416", "4000000000000465", "4000000000000424", "4000000000000440",
		"4000000000000457", "4000000000000507", "4000000000000515", "4000000000000523",
		"4111111111111111", "6011111111111117", "4929123412341234567", "123456789012",
	}
	canaries := append([]string{"CanaryCVC", "Canary Holder"}, numbers...)
	for i, number := range numbers {
		a := b.authorisation(number)
		a.Card.Holder = "Canary Holder"
		a.Capture = i%2 == 0
		answer, err := b.client.Authorise(t.Context(), a)
		if err == nil && answer.RedirectURL != "" {
			decide(t, answer.RedirectURL, "approve")
		}
		a.Key, a.Card.CVC = b.key(), "CanaryCVC"
		_, _ = b.client.Authorise(t.Context(), a) // lost requests end in an error
		_, _ = b.client.Authorise(t.Context(), b.absent(number))
		_, fault := b.post("/v1/authorisations", fmt.Sprintf(`{"key":"k","card":{"number":%q},"surprise":%q}`, number, number))
		search(t, "an answer to a malformed request", []byte(fault), canaries)
	}
	for i, lastFour := range []string{
		"4567", "0001", "0002", "0404", "9995", "0341", "0432", "0473", "0481", "0408", "0416", "0465", "0424", "0600",
		"0602", "0606", "0507", "0515", "0523",
	} {
		a := b.push([]string{"capitec_pay", "mtn_momo"}[i%2], lastFour)
		canaries = append(canaries, a.Account.Phone[1:], "0"+a.Account.Phone[3:])
		answer, err := b.client.Authorise(t.Context(), a)
		if err == nil && answer.RedirectURL != "" {
			_, page := visit(t, answer.RedirectURL)
			search(t, "the telephone's page", []byte(page), canaries)
			decide(t, answer.RedirectURL, []string{"approve", "refuse"}[i/2%2])
			_, page = visit(t, answer.RedirectURL)
			search(t, "the telephone's page", []byte(page), canaries)
		}
		b.settle(a.Key)
		_, _ = b.client.Authorise(t.Context(), b.pushAlone(lastFour))
		for _, body := range []string{
			fmt.Sprintf(`{"key":"k","account":{"phone":%q},"surprise":1}`, a.Account.Phone),
			toJSON(t, map[string]any{
				"key": "k", "amount": 1, "currency": "ZAR", "initiator": "customer", "capture": true,
				"account": map[string]string{"kind": "mtn_momo", "phone": a.Account.Phone + "x"},
			}),
		} {
			status, fault := b.post("/v1/authorisations", body)
			want(t, "status", status, 400)
			search(t, "an answer to a malformed request", []byte(fault), canaries)
		}
	}
	want(t, "book is not empty", len(b.entries()) > 30, true)

	dump := dump(t, b.db.AdminURL)
	if !bytes.Contains(dump, []byte("527346")) || !bytes.Contains(dump, []byte("4567")) {
		t.Fatal("the dump lacks what must be in it")
	}
	search(t, "the dump", dump, canaries)
	search(t, "the log", []byte(b.log.String()), canaries)
}

// search looks for each canary as text, in hex and in base64 at each of the
// three offsets that it may have.
func search(t *testing.T, where string, haystack []byte, canaries []string) {
	t.Helper()
	for _, canary := range canaries {
		forms := []string{canary, hex.EncodeToString([]byte(canary))}
		for offset := range 3 {
			padded := append(bytes.Repeat([]byte{0}, offset), canary...)
			encoded := base64.RawStdEncoding.EncodeToString(padded)
			// What shares bits with its neighbours is left out at both ends.
			from, to := (offset*8+5)/6, len(padded)*8/6
			forms = append(forms, encoded[from:to])
		}
		for _, form := range forms {
			if bytes.Contains(haystack, []byte(form)) {
				t.Errorf("%s holds %q (as %q)", where, canary, form)
			}
		}
	}
}

func dump(t *testing.T, url string) []byte {
	t.Helper()
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(programs) == 0 {
		programs = []string{"pg_dump"}
	}
	var out, fault strings.Builder
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), programs[len(programs)-1], "--inserts", "--dbname", url)
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		t.Fatalf("pg_dump: %v: %s", err, fault.String())
	}
	return []byte(out.String())
}

func TestSearchFindsCanaries(t *testing.T) {
	t.Parallel()
	const canary = "4242424242424242"
	for _, hidden := range []string{
		canary,
		hex.EncodeToString([]byte("x" + canary)),
		base64.StdEncoding.EncodeToString([]byte(canary)),
		base64.StdEncoding.EncodeToString([]byte("x" + canary + "y")),
		base64.StdEncoding.EncodeToString([]byte("xx" + canary + "yyyy")),
	} {
		probe := &testing.T{}
		search(probe, "the probe", []byte("before "+hidden+" after"), []string{canary})
		if !probe.Failed() {
			t.Errorf("not found in %q", hidden)
		}
	}
}
