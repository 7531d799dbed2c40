package main_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tender/cmd/tender/internal/devenv"
)

// stopMax is how long Ctrl-C may take.
const stopMax = 5 * time.Second

func TestDevTakesAPaymentAndFindsEverythingAgain(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	paymentID := i.pay(i.session("first", 10000), "4242424242424242")
	i.must(http.StatusOK, http.MethodPost, "/collect/payments/"+paymentID+"/captures", "half", `{"amount":6000}`)
	p := i.must(http.StatusOK, http.MethodPost, "/collect/payments/"+paymentID+"/voids", "rest", "")
	if p.number("paid_amount") != 6000 || p.number("voided_amount") != 4000 || p.number("capturable_amount") != 0 {
		t.Errorf("the sums are off: %v", p)
	}
	shown, err := i.run("events", "show", paymentID)
	if err != nil {
		t.Fatalf("events show: %v\n%s", err, shown)
	}
	for _, want := range []string{"payment.initiated", "payment.authorised", "payment.captured", "payment.voided"} {
		if !strings.Contains(shown, want) {
			t.Errorf("events show has no %s:\n%s", want, shown)
		}
	}
	first := i.env
	if took := i.stop(); took > stopMax {
		t.Errorf("it took %s to stop", took)
	}
	if left := processesOf(i.dir); left != "" {
		t.Errorf("processes were left behind:\n%s", left)
	}

	i.start()
	for _, name := range []string{devenv.SecretKey, devenv.PublicKey, devenv.FinanceKey, devenv.OperatorKey, devenv.DatabaseURL} {
		if i.env[name] != first[name] {
			t.Errorf("%s has changed across a start", name)
		}
	}
	again := i.must(http.StatusOK, http.MethodGet, "/collect/payments/"+paymentID, "", "")
	if again.number("version") != p.number("version") {
		t.Errorf("the payment has changed across a start: %v", again)
	}

	i.kill()
	i.start()
	i.must(http.StatusOK, http.MethodGet, "/collect/payments/"+paymentID, "", "")
	if replayed := i.session("first", 10000); replayed.text("id") == "" {
		t.Error("the idempotency key was forgotten")
	}
	if err := os.Remove(filepath.Join(i.dir, devenv.FileName)); err != nil {
		t.Fatal(err)
	}
	i.stop()
	i.start()
	i.session("with a new key", 100)

	// A new master key would read nothing of what the vault holds.
	i.must(http.StatusCreated, http.MethodPost, "/webhooks/endpoints", "hook", `{"url":"https://shop.example/","events":["*"]}`)
	i.stop()
	if err := os.Remove(filepath.Join(i.dir, "master.key")); err != nil {
		t.Fatal(err)
	}
	if out, err := i.run("dev", "--data-dir", i.dir, "--listen", "127.0.0.1:0"); err == nil || !strings.Contains(out, "put the file back") {
		t.Errorf("without its master key: %v\n%s", err, out)
	}
}

// processesOf lists the processes whose command line names dir.
func processesOf(dir string) string {
	out, _ := exec.Command("pgrep", "-af", dir).Output()
	return string(out)
}

func TestDevSaysWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "credentials.env"), []byte("not a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"port taken":          {[]string{"dev", "--data-dir", t.TempDir(), "--listen", taken.Addr().String()}, "choose another address"},
		"not loopback":        {[]string{"dev", "--data-dir", t.TempDir(), "--listen", "0.0.0.0:0"}, "loopback"},
		"no address":          {[]string{"dev", "--data-dir", t.TempDir(), "--listen", "8080"}, "127.0.0.1:8080"},
		"directory is a file": {[]string{"dev", "--data-dir", file, "--listen", "127.0.0.1:0"}, "--data-dir"},
		"broken directory":    {[]string{"dev", "--data-dir", broken, "--listen", "127.0.0.1:0"}, "delete it"},
		"unknown command":     {[]string{"sing"}, "Usage: tender"},
		"unknown option":      {[]string{"dev", "--loud"}, "not defined"},
		"serve without URLs":  {[]string{"serve"}, "DATABASE_URL is not set"},
		"unknown role":        {[]string{"serve", "--roles", "cook"}, "the roles are"},
		"unknown role of dev": {[]string{"dev", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--roles", "cook"}, "the roles are"},
		"unknown benchmark":   {[]string{"bench", "--only", "everything"}, "appends, payments, series, scheduler"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstallation(t)
			out, err := i.run(c.args...)
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v, and it says:\n%s", err, out)
			}
			if strings.Contains(out, "goroutine") {
				t.Error("it shows a stack")
			}
		})
	}
}

func TestTwoDevsInOneDirectory(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	out, err := i.run("dev", "--data-dir", i.dir, "--listen", "127.0.0.1:0")
	if err == nil || !strings.Contains(out, "another tender dev runs") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
	i.session("still here", 100)
}

func TestKeysFromTheCommandLine(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	out := i.mustRun("merchant", "create", "--name", "Second Shop", "--country", "NA")
	merchantID := strings.TrimSpace(out)
	keyID, secret, _ := strings.Cut(strings.TrimSpace(i.mustRun("keys", "create", "--merchant", merchantID)), " ")
	first := i.env[devenv.SecretKey]
	i.pay(i.session("of the first", 500), "4242424242424242")

	i.env[devenv.SecretKey] = secret
	if s := i.session("of the second", 700); s.text("mode") != "test" {
		t.Errorf("the session is %v", s)
	}
	if page := i.must(http.StatusOK, http.MethodGet, "/collect/payments", "", ""); len(page["data"].([]any)) != 0 {
		t.Errorf("the second merchant sees the first one's payments: %v", page)
	}
	i.mustRun("keys", "revoke", "--merchant", merchantID, "--key", keyID)
	if p := i.must(http.StatusForbidden, http.MethodGet, "/collect/payments", "", ""); p.text("code") != "forbidden" {
		t.Errorf("the problem is %v", p)
	}
	i.env[devenv.SecretKey] = first
	i.must(http.StatusOK, http.MethodGet, "/collect/payments", "", "")

	live := strings.TrimSpace(i.mustRun("merchant", "create", "--name", "Live Shop", "--mode", "live"))
	_, secret, _ = strings.Cut(strings.TrimSpace(i.mustRun("keys", "create", "--merchant", live, "--mode", "live")), " ")
	i.env[devenv.SecretKey] = secret
	if p := i.must(http.StatusUnprocessableEntity, http.MethodPost, "/collect/payment_sessions", "live", `{"amount":100,"currency":"ZAR"}`); p.text("code") != "no_acquirer" {
		t.Errorf("the simulator serves live: %v", p)
	}
	if out := i.mustRun("keys", "create", "--staff", "Ada", "--kind", "finance"); !strings.Contains(out, "fin_") {
		t.Errorf("the staff key is %q", out)
	}
}

func (i *installation) mustRun(args ...string) string {
	i.t.Helper()
	out, err := i.run(args...)
	if err != nil {
		i.t.Fatalf("tender %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func TestServeBesideDev(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	first, other := i.env[devenv.URL], i.beside("serve", "--roles", "api,checkout,worker").url
	i.env[devenv.URL] = other
	i.must(http.StatusNotFound, http.MethodGet, "/demo", "", "") // tender serve has no demo shop
	for n := range 20 {
		i.env[devenv.URL] = first
		s := i.session("shared "+strings.Repeat("x", n), 100)
		i.env[devenv.URL] = other
		paymentID := i.pay(s, "4242424242424242")
		i.env[devenv.URL] = first
		if got := i.must(http.StatusOK, http.MethodGet, "/collect/payments/"+paymentID, "", ""); got.text("status") != "succeeded" {
			t.Fatalf("the first process shows %v", got)
		}
		i.must(http.StatusOK, http.MethodPost, "/collect/payments/"+paymentID+"/captures", "capture "+s.text("id"), "")
		i.env[devenv.URL] = other
		if got := i.must(http.StatusOK, http.MethodGet, "/collect/payments/"+paymentID, "", ""); got.number("paid_amount") != 100 {
			t.Fatalf("the second process shows %v", got)
		}
		if again := i.must(http.StatusOK, http.MethodPost, "/collect/payments/"+paymentID+"/captures", "capture "+s.text("id"), ""); again.number("paid_amount") != 100 {
			t.Fatalf("the replay on the second process shows %v", again)
		}
	}
}
