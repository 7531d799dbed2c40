package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/eventstore/storetest"
)

// stopMax is how long a service may take to end.
const stopMax = 6 * time.Second

// installation runs the services of compose.yaml without their containers: each
// command with the image's environment and its own, and nothing else. Only names
// and ports are others, those of this machine.
type installation struct {
	t       *testing.T
	binary  string
	compose compose
	// values are those of the .env file, image those of the Containerfile.
	values, image map[string]string
	hosts         *strings.Replacer
	url           string
	postgres      *storetest.PrivateServer
}

// install provides what compose.yaml takes from other images, PostgreSQL and NATS.
func install(t *testing.T) *installation {
	t.Helper()
	natsURL, _ := natsServer(t)
	nats, err := url.Parse(natsURL("", ""))
	must(t, err)
	return installWith(t, nats.Host)
}

// installWith is install with the NATS that is at an address.
func installWith(t *testing.T, natsAddress string) *installation {
	t.Helper()
	path, err := binary()
	must(t, err)
	server := storetest.Server(t)
	conn, err := pgx.Connect(t.Context(), server.SuperURL)
	must(t, err)
	_, err = conn.Exec(t.Context(), `CREATE DATABASE tender ENCODING UTF8 LOCALE 'C' TEMPLATE template0`)
	must(t, err)
	must(t, conn.Close(t.Context()))
	database, err := url.Parse(server.SuperURL)
	must(t, err)

	i := &installation{t: t, binary: path, compose: parseCompose(t), values: map[string]string{}, image: map[string]string{}, postgres: server}
	tender, simulator := freeAddress(t), freeAddress(t)
	i.url = "http://" + tender
	for _, name := range examples(t, "compose.env.example") {
		i.values[name] = "drawn-for-" + strings.ToLower(name)
	}
	i.values["TENDER_URL"], i.values["TENDER_SIMULATOR_PUBLIC_URL"] = i.url, "http://"+simulator
	i.values["POSTGRES_PASSWORD"], _ = database.User.Password()
	i.values["NATS_RELAY_PASSWORD"], i.values["NATS_READER_PASSWORD"] = relayPassword, readerPassword
	i.hosts = strings.NewReplacer(
		"@postgres:5432/", "@"+database.Host+"/", "@nats:4222", "@"+natsAddress,
		"//simulator:8090", "//"+simulator, "//tender:8080", "//"+tender,
		"0.0.0.0:8080", tender, "0.0.0.0:8090", simulator, "/var/lib/tender/", t.TempDir()+"/",
	)
	for _, instruction := range stages(t)[1] {
		if instruction.name == "ENV" {
			for setting := range strings.FieldsSeq(instruction.rest) {
				name, value, _ := strings.Cut(setting, "=")
				i.image[name] = value
			}
		}
	}
	return i
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

var interpolation = regexp.MustCompile(`\$\{([A-Z_]+)(:\?[^}]*)?\}`)

// command is a service's process, with args in the place of its command if there
// are any.
func (i *installation) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	i.t.Helper()
	s := i.compose.Services[name]
	if len(args) == 0 {
		args = s.Command
	}
	cmd := exec.CommandContext(ctx, i.binary, args...)
	environment := maps.Clone(i.image)
	maps.Copy(environment, s.Environment)
	cmd.Env = []string{}
	for _, variable := range slices.Sorted(maps.Keys(environment)) {
		value := interpolation.ReplaceAllStringFunc(environment[variable], func(m string) string {
			return i.values[interpolation.FindStringSubmatch(m)[1]]
		})
		cmd.Env = append(cmd.Env, variable+"="+i.hosts.Replace(value))
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopMax
	return cmd
}

// run runs a command to its end and returns what it printed.
func (i *installation) run(name string, args ...string) string {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), 2*time.Minute)
	defer cancel()
	out, err := i.command(ctx, name, args...).CombinedOutput()
	if err != nil {
		i.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// start starts a service, waits until health answers, and stops it with the test.
func (i *installation) start(name, health string) {
	i.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var output bytes.Buffer
	cmd := i.command(ctx, name)
	cmd.Stdout, cmd.Stderr = &output, &output
	must(i.t, cmd.Start())
	ended := make(chan struct{})
	var failed error
	go func() { failed = cmd.Wait(); close(ended) }()
	i.t.Cleanup(func() {
		begun := time.Now()
		cancel()
		<-ended
		if took := time.Since(begun); took > stopMax || cmd.ProcessState.ExitCode() != 0 {
			i.t.Errorf("%s took %s to end: %v", name, took, failed)
		}
		for variable, value := range i.values {
			if strings.Contains(output.String(), value) && !strings.HasSuffix(variable, "_URL") {
				i.t.Errorf("%s printed %s", name, variable)
			}
		}
		if i.t.Failed() {
			i.t.Logf("%s:\n%s", name, output.String())
		}
	})
	i.eventually(name+" answers at "+health, func() bool {
		select {
		case <-ended:
			i.t.Fatalf("%s has ended: %v", name, failed)
		default:
		}
		answer, err := http.Get(health)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err == nil && answer.StatusCode == http.StatusOK
	})
}

func (i *installation) eventually(what string, holds func() bool) {
	i.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit.C:
			i.t.Fatalf("waited %s in vain until %s", patience, what)
		case <-tick.C:
		}
	}
}

type object map[string]any

func (o object) text(name string) string { s, _ := o[name].(string); return s }

// call sends a request and returns the answer, which must have this status.
func (i *installation) call(status int, secret, method, path, body string) object {
	i.t.Helper()
	return i.callWith(method+" "+path, status, secret, method, path, body)
}

// callWith is call with an idempotency key of one's own.
func (i *installation) callWith(key string, status int, secret, method, path, body string) object {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), method, i.url+path, strings.NewReader(body))
	must(i.t, err)
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := http.DefaultClient.Do(r)
	must(i.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(i.t, err)
	if answer.StatusCode != status {
		i.t.Fatalf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	var o object
	must(i.t, json.Unmarshal(text, &o))
	return o
}

// A payment with a 3-D Secure challenge, on the services as compose.yaml runs
// them, for a merchant that was made as README.md says.
func TestTheServicesOfComposeTakeAPayment(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.run("migrate")
	i.run("seal-key")
	i.start("simulator", i.values["TENDER_SIMULATOR_PUBLIC_URL"]+"/healthz")
	i.start("tender", i.url+"/readyz")
	merchantID := i.run("tender", "merchant", "create", "--name", "Corner Shop")
	_, secret, _ := strings.Cut(i.run("tender", "keys", "create", "--merchant", merchantID), " ")

	s := i.call(http.StatusCreated, secret, http.MethodPost, "/collect/payment_sessions",
		`{"amount":10000,"currency":"ZAR","options":{"payment_method_options":{"card":{"capture_method":"manual"}}}}`)
	checkout := "/checkout/" + s.text("checkout_session_id")
	if s.text("session_url") != i.url+checkout {
		t.Errorf("the customer is sent to %s", s.text("session_url"))
	}
	state := i.call(http.StatusOK, "", http.MethodPost, checkout+"/attempts",
		`{"payment_method":{"type":"card","card":{"number":"4000000000003220","exp_month":12,"exp_year":2034,"cvc":"123"}}}`)
	action, _ := state["next_action"].(map[string]any)
	challenge := object(action).text("url")
	if !strings.HasPrefix(challenge, i.values["TENDER_SIMULATOR_PUBLIC_URL"]+"/") {
		t.Fatalf("the challenge is at %q", challenge)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm(challenge, url.Values{"decision": {"approve"}})
	must(t, err)
	must(t, answer.Body.Close())
	i.eventually("the notification completes the session", func() bool {
		return i.call(http.StatusOK, "", http.MethodGet, checkout+"/state", "").text("status") == "completed"
	})
	paymentID := i.call(http.StatusOK, secret, http.MethodGet, "/collect/payment_sessions/"+s.text("id"), "").text("payment_id")
	i.call(http.StatusOK, secret, http.MethodPost, "/collect/payments/"+paymentID+"/captures", `{"amount":6000}`)
	i.call(http.StatusOK, secret, http.MethodPost, "/collect/payments/"+paymentID+"/voids", `{}`)
	i.eventually("the list shows the payment", func() bool {
		data, _ := i.call(http.StatusOK, secret, http.MethodGet, "/collect/payments", "")["data"].([]any)
		return len(data) == 1
	})
	if shown := i.run("tender", "events", "show", paymentID); !strings.Contains(shown, "payment.voided") {
		t.Errorf("the log says\n%s", shown)
	}
	if _, err := os.Stat(filepath.Join(i.hosts.Replace("/var/lib/tender/"), "master.key")); err != nil {
		t.Errorf("the master key lies elsewhere: %v", err)
	}
	i.isSealed()
}

// isSealed looks whether the log is sealed by the key that was made at the first
// start, and only then, and whether the doctor has nothing against the services.
func (i *installation) isSealed() {
	i.t.Helper()
	key := i.hosts.Replace("/var/lib/tender/") + "seal.key"
	made, err := os.Stat(key)
	must(i.t, err)
	if made.Mode().Perm() != 0o600 {
		i.t.Errorf("the sealing key has mode %04o", made.Mode().Perm())
	}
	i.run("seal-key")
	if again, err := os.Stat(key); err != nil || !os.SameFile(made, again) {
		i.t.Errorf("the sealing key was made again: %v", err)
	}
	i.eventually("all of the log is sealed", func() bool { return strings.Contains(i.run("tender", "seal", "status"), " 0 not yet.") })
	kept, err := os.ReadFile(i.hosts.Replace("/var/lib/tender/") + "checkpoints/log_test.checkpoints")
	if err != nil || !strings.Contains(string(kept), "\n— ") {
		i.t.Errorf("no checkpoint has left the database: %v", err)
	}
	var told struct {
		Findings []struct{ Area, Level, What, Seen string }
	}
	i.eventually("the doctor is content", func() bool {
		must(i.t, json.Unmarshal([]byte(i.run("tender", "doctor", "--json")), &told))
		return !slices.ContainsFunc(told.Findings, func(f struct{ Area, Level, What, Seen string }) bool { return f.Level == "fail" && f.Area != "disk" })
	})
}
