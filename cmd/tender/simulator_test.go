package main_test

import (
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tender/cmd/tender/internal/devenv"
	"tender/eventstore/storetest"
)

// beside is another process of the binary, with an address of its own.
type beside struct {
	i      *installation
	cmd    *exec.Cmd
	url    string
	output *strings.Builder // to be read once it has ended
}

// beside starts a command with --listen and args, and returns when it is healthy.
func (i *installation) beside(command string, args ...string) *beside {
	i.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		i.t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	b := &beside{i: i, url: "http://" + address, output: &strings.Builder{}}
	b.cmd = exec.Command(i.binary, append([]string{command, "--listen", address}, args...)...)
	b.cmd.Env = i.environment()
	b.cmd.Stdout, b.cmd.Stderr = b.output, b.output
	if err := b.cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		if b.cmd.ProcessState == nil {
			_ = b.stop()
		}
	})
	i.eventually(startTimeout, "tender "+command+" is healthy", func() bool {
		answer, err := http.Get(b.url + "/healthz")
		if err == nil {
			_ = answer.Body.Close()
		}
		return err == nil && answer.StatusCode == http.StatusOK
	})
	return b
}

// stop asks it to end and waits until it has.
func (b *beside) stop() error {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	return b.cmd.Wait()
}

// The simulator and a serving process beside tender dev: a payment with a 3-D
// Secure challenge goes through both, and the simulator's notification reaches
// the installation.
func TestSimulatorAsAServiceOfItsOwn(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	simulator := i.beside("simulator")
	serve := i.beside("serve", "--roles", "api,checkout", "--simulator-url", simulator.url)

	i.env[devenv.URL] = serve.url
	s := i.session("challenged", 4_200)
	path := "/checkout/" + s.text("checkout_session_id")
	state := i.must(http.StatusOK, http.MethodPost, path+"/attempts", "", card("4000000000003220"))
	action, _ := state["next_action"].(map[string]any)
	challenge := object(action).text("url")
	if !strings.HasPrefix(challenge, simulator.url+"/acs/") {
		t.Fatalf("the customer is led to %q, not to %s", challenge, simulator.url)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(challenge, url.Values{"decision": {"approve"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	i.eventually(30*time.Second, "the notification completes the session", func() bool {
		return i.must(http.StatusOK, http.MethodGet, path+"/state", "", "").text("status") == "completed"
	})

	begun := time.Now()
	if err := simulator.stop(); err != nil || time.Since(begun) > stopMax {
		t.Errorf("the simulator ended after %s: %v", time.Since(begun), err)
	}
	log := simulator.output.String()
	if !strings.Contains(log, `"msg":"ready"`) {
		t.Errorf("its log is %s", log)
	}
	for _, secret := range []string{i.env["TENDER_SIMULATOR_KEY"], i.env["TENDER_SIMULATOR_SECRET"], passwordOf(t, i.env["TENDER_SIMULATOR_DATABASE_URL"])} {
		if strings.Contains(log, secret) {
			t.Errorf("its log holds a secret: %s", log)
		}
	}
}

func passwordOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, there := u.User.Password()
	if !there {
		t.Fatal("there is no password in the URL")
	}
	return password
}

// In a database of its own the simulator makes its book itself, if it may.
func TestSimulatorMigratesItsBook(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	i := newInstallation(t)
	i.env = map[string]string{
		"TENDER_SIMULATOR_DATABASE_URL": db.SimulatorURL, "TENDER_SIMULATOR_KEY": "key", "TENDER_SIMULATOR_SECRET": "secret",
		"TENDER_SIMULATOR_NOTIFY_URL": "http://127.0.0.1:1/",
	}
	out, err := i.run("simulator", "--listen", "127.0.0.1:0")
	if err == nil || !strings.Contains(out, "tender migrate prepares it") {
		t.Errorf("without its book: %v, and it says:\n%s", err, out)
	}
	i.env["TENDER_SIMULATOR_ADMIN_URL"] = db.AdminURL
	for range 2 { // the second time there is nothing to do
		s := i.beside("simulator")
		if err := s.stop(); err != nil {
			t.Errorf("%v\n%s", err, s.output)
		}
	}
}

func TestSimulatorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	whole := map[string]string{
		"TENDER_SIMULATOR_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "TENDER_SIMULATOR_KEY": "key",
		"TENDER_SIMULATOR_SECRET": "secret", "TENDER_SIMULATOR_NOTIFY_URL": "http://127.0.0.1:1/",
	}
	for name := range whole {
		i := newInstallation(t)
		i.env = map[string]string{name: ""}
		for other, value := range whole {
			if other != name {
				i.env[other] = value
			}
		}
		if out, err := i.run("simulator"); err == nil || !strings.Contains(out, name+" is not set") {
			t.Errorf("without %s: %v, and it says:\n%s", name, err, out)
		}
	}
	i := newInstallation(t)
	i.env = whole
	if out, err := i.run("simulator", "--public-url", "bank.example"); err == nil || !strings.Contains(out, "must be a URL") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
}
