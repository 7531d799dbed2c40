package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tender/cmd/tender/internal/devenv"
)

// TestFinanceAsksFromTheCommandLine goes the way of docs/finance.md: a payment is taken,
// captured in part, voided and refunded in part; what it was, what happened to it and
// what it did to the money is shown, and exported so that nothing can be missing.
func TestFinanceAsksFromTheCommandLine(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	paymentID := i.story()
	var history struct {
		Position   int64
		MerchantID string `json:"merchant_id"`
		Events     []struct {
			Position int64
			Type     string
		}
	}
	if err := json.Unmarshal([]byte(i.mustRun("audit", "history", paymentID, "--json")), &history); err != nil {
		t.Fatal(err)
	}
	at := map[string]int64{}
	for _, e := range history.Events {
		at[e.Type] = e.Position
	}
	asked := func(position int64, args ...string) []string {
		return append(args, "--as-of", fmt.Sprint(position))
	}
	i.says([]string{"version", "100.00 ZAR", "refunded_amount", "20.00 ZAR", "voided_amount", "40.00 ZAR"}, "audit", "show", paymentID)
	authorised := i.says([]string{"as of position", "capturable_amount"}, asked(at["payment.authorised"], "audit", "show", paymentID)...)
	if strings.Contains(authorised, "20.00 ZAR") || strings.Contains(authorised, "60.00 ZAR") {
		t.Errorf("before the capture it is shown as\n%s", authorised)
	}
	i.says([]string{
		"ZAR 60.00 was captured.", "paid_amount: 0.00 ZAR → 60.00 ZAR", "debit merchant_payable 20.00 ZAR", "the acquirer simulator", "the merchant, with key key_",
	}, "audit", "history", paymentID)
	i.says([]string{"payment.refunded", "refunds_in_transit", "REFERENCE"}, "audit", "journal", "--payment", paymentID, "--basis", "effective")
	i.says([]string{"there is more: --to", "payment.initiated"}, "audit", "events", "--stream", paymentID, "--limit", "1")
	i.says([]string{"CURRENCY  ACCOUNT", "all", " 0.00\n"}, "audit", "trial-balance")
	i.says([]string{`"sum_minor":"0"`, `"balanced":true`}, "audit", "trial-balance", "--json")
	i.says([]string{"opening balance", "payment.captured", "closing balance", "40.00"},
		"audit", "statement", "--merchant", history.MerchantID, "--from", "1", "--to", fmt.Sprint(history.Position))
	i.fails("There was no such object by then", "audit", "show", paymentID, "--as-of", "1")
	i.fails("tender: use tender audit show ID", "audit", "show")

	// What others wrote can't steer the terminal.
	odd := i.must(http.StatusCreated, http.MethodPost, "/collect/payment_sessions", "odd", `{"amount":100,"currency":"ZAR","metadata":{"note":"\u001b[2J"}}`)
	i.says([]string{`"\x1b[2J"`}, "audit", "show", odd.text("id"))
	i.exported(history.Position)
}

// story takes a payment of 100.00, captures 60.00, voids the rest and refunds 20.00.
func (i *installation) story() (paymentID string) {
	i.t.Helper()
	paymentID = i.pay(i.session("finance", 10000), "4242424242424242")
	for _, step := range [][2]string{{"captures", `{"amount":6000}`}, {"voids", `{}`}, {"refunds", `{"amount":2000}`}} {
		i.must(http.StatusOK, http.MethodPost, "/collect/payments/"+paymentID+"/"+step[0], step[0], step[1])
	}
	return paymentID
}

// says runs a command, and looks for texts in what it prints.
func (i *installation) says(want []string, args ...string) string {
	i.t.Helper()
	out := i.mustRun(args...)
	for _, w := range want {
		if !strings.Contains(out, w) {
			i.t.Errorf("tender %v doesn't say %q:\n%s", args, w, out)
		}
	}
	return out
}

// fails runs a command that has to fail, for a reason.
func (i *installation) fails(why string, args ...string) {
	i.t.Helper()
	if out, err := i.run(args...); err == nil || !strings.Contains(out, why) {
		i.t.Errorf("tender %v: %v\n%s", args, err, out)
	}
}

// exported exports a range twice, with the log going on in between, and then from an API
// that changes a byte on the way.
func (i *installation) exported(to int64) {
	i.t.Helper()
	dir := i.t.TempDir()
	export := func(name string) []string {
		return []string{"audit", "export", "journal", "--to", fmt.Sprint(to), "--out", filepath.Join(dir, name)}
	}
	read := func(name string) []byte {
		i.t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			i.t.Fatal(err)
		}
		return b
	}
	i.says([]string{"Its amounts add up to 0.00 ZAR", "first.csv.manifest.json"}, export("first.csv")...)
	i.pay(i.session("later", 5000), "4242424242424242")
	i.mustRun(export("second.csv")...)
	first := read("first.csv")
	if !bytes.Equal(first, read("second.csv")) || bytes.Count(first, []byte("\r\n")) < 10 {
		i.t.Errorf("the second file differs from the first, which is\n%s", first)
	}
	var manifest struct {
		Bytes  int
		SHA256 string
	}
	if err := json.Unmarshal(read("first.csv.manifest.json"), &manifest); err != nil || manifest.Bytes != len(first) || len(manifest.SHA256) != 64 {
		i.t.Errorf("the manifest is %v, %v", manifest, err)
	}
	i.fails("first.csv is there already", export("first.csv")...)

	api, err := url.Parse(i.env[devenv.URL])
	if err != nil {
		i.t.Fatal(err)
	}
	forged := httptest.NewServer(forger(api))
	defer forged.Close()
	i.fails("what came is not what the manifest says", append(export("third.csv"), "--url", forged.URL)...)
	if found, _ := os.ReadDir(dir); len(found) != 4 {
		i.t.Errorf("what is left is %v", found)
	}
}

// forger hands requests on, and changes a byte of each CSV file.
func forger(api *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(api) },
		ModifyResponse: func(r *http.Response) error {
			if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/csv") {
				return nil
			}
			text, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(text, []byte("debit"), []byte("debut"), 1)))
			return err
		},
	}
}
