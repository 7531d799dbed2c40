package main_test

import (
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output is what a running process has printed so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestListenPrintsWhatArrives(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	var printed output
	cmd := exec.Command(i.binary, "listen", "--json")
	cmd.Env = i.environment()
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	arrives := func(what string) {
		t.Helper()
		i.eventually(30*time.Second, "it prints "+what, func() bool { return strings.Contains(printed.String(), what) })
	}
	arrives("Ctrl-C ends that")
	found := regexp.MustCompile(`at (http://\S+) \((whe_\w+)\)`).FindStringSubmatch(printed.String())
	if found == nil {
		t.Fatalf("it says %s", &printed)
	}
	paymentID := i.pay(i.session("listened to", 4_200), "4242424242424242")
	for _, arrived := range []string{"payment_session.created", "payment_session.completed", "payment.succeeded", `"amount":4200`} {
		arrives(arrived)
	}
	line := regexp.MustCompile(`payment\.succeeded +` + paymentID + `#\d+  succeeded  \(evt_\w+, signature good\)`)
	if !line.MatchString(printed.String()) {
		t.Errorf("it says %s", &printed)
	}
	forged, err := http.Post(found[1], "application/json", strings.NewReader(`{"type":"payment.succeeded"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = forged.Body.Close()
	if forged.StatusCode != http.StatusBadRequest {
		t.Errorf("a forged message is answered %s", forged.Status)
	}
	arrives("refused a message")

	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil || !strings.Contains(printed.String(), "deleted") {
		t.Errorf("%v, and it says %s", err, &printed)
	}
	i.must(http.StatusNotFound, http.MethodGet, "/webhooks/endpoints/"+found[2], "", "")
}

func TestListenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	if out, err := i.run("listen"); err == nil || !strings.Contains(out, ". .tender/dev.env") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
	i.env = map[string]string{"TENDER_URL": "http://127.0.0.1:1", "TENDER_SECRET_KEY": "sk_test_none"}
	if out, err := i.run("listen"); err == nil || strings.Contains(out, "sk_test_none") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
}
