package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/errors"

	"tender/handlers/webhooks"
)

// Limits of listening to webhooks.
const (
	listenBodyMax = 1 << 20 // bytes of a message, and of an answer of Tender's
	listenCallMax = 10 * time.Second
	listenSkewMax = 5 * time.Minute // how far a message's timestamp may be off
)

const endpointsPath = "/webhooks/endpoints"

// hooks receives the webhooks of an endpoint of its own, for people who try.
type hooks struct {
	baseURL, key string
	whole        bool // print bodies, too
	secret       webhooks.Secret

	mu  sync.Mutex
	out io.Writer
}

// runListen makes a webhook endpoint that leads here, prints what arrives, and
// deletes the endpoint at its end. It is a client like any other: all that it
// knows is the URL and a secret key.
func runListen(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	h := &hooks{out: stdout}
	fs := newFlags("listen", stderr)
	address := fs.String("listen", "127.0.0.1:0", "address to receive on; port 0: any free one")
	fs.BoolVar(&h.whole, "json", false, "print each message's body, too")
	err := parseSettings(fs, args, []setting{
		{"url", "TENDER_URL", "", "where Tender is", false, &h.baseURL},
		{"key", "TENDER_SECRET_KEY", "", "secret key of the merchant whose webhooks they are", true, &h.key},
	})
	if err != nil {
		return err
	}
	if h.baseURL == "" || h.key == "" {
		return usageError("tender: TENDER_URL and TENDER_SECRET_KEY must be set; with tender dev running: set -a; . .tender/dev.env")
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return errors.Wrapf(err, "can't listen on %s: choose another address with --listen", *address)
	}
	defer listener.Close()
	return h.receive(ctx, listener)
}

// receive prints what arrives on a listener until ctx ends.
func (h *hooks) receive(ctx context.Context, listener net.Listener) error {
	here := "http://" + listener.Addr().String() + "/"
	endpointID, secret, err := h.createEndpoint(ctx, here)
	if err != nil {
		return err
	}
	if h.secret, err = webhooks.ParseSecret(secret); err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadTimeout: listenCallMax}
	served := make(chan error, 1)
	h.say("Webhooks of %s arrive here, at %s (%s). Ctrl-C ends that and deletes the endpoint.", h.baseURL, here, endpointID)
	go func() { served <- server.Serve(listener) }()
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	_ = server.Close()
	deleting, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenCallMax)
	defer cancel()
	if deleted := h.call(deleting, http.MethodDelete, endpointsPath+"/"+endpointID, nil, nil); deleted != nil {
		return errors.CombineErrors(err, deleted)
	}
	h.say("The endpoint is deleted.")
	return err
}

// ServeHTTP takes one message. Only one that is signed as it should be is
// acknowledged.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, listenBodyMax))
	if err == nil {
		err = h.verify(r.Header, body, time.Now())
	}
	if err != nil {
		h.say("refused a message: %v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var message struct {
		ID   string
		Type string
		Data struct {
			ID      string
			Status  string
			Version int
		}
	}
	if err := json.Unmarshal(body, &message); err != nil {
		h.say("a message that is no JSON: %v", err)
	}
	h.say("%s  %-28s %s#%d  %s  (%s, signature good)", time.Now().Format(time.TimeOnly),
		message.Type, message.Data.ID, message.Data.Version, message.Data.Status, message.ID)
	if h.whole {
		h.say("%s", body)
	}
	w.WriteHeader(http.StatusNoContent)
}

// verify judges a message as Standard Webhooks say that receivers do.
func (h *hooks) verify(headers http.Header, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(headers.Get(webhooks.HeaderTimestamp), 10, 64)
	if err != nil {
		return errors.New("it has no timestamp")
	}
	at := time.Unix(seconds, 0)
	if at.Sub(now).Abs() > listenSkewMax {
		return errors.Newf("its timestamp is %s off", at.Sub(now).Round(time.Second))
	}
	want := webhooks.Sign(headers.Get(webhooks.HeaderID), at, body, h.secret).Get(webhooks.HeaderSignature)
	for signature := range strings.FieldsSeq(headers.Get(webhooks.HeaderSignature)) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return nil
		}
	}
	return errors.New("its signature is wrong")
}

func (h *hooks) createEndpoint(ctx context.Context, here string) (endpointID, secret string, err error) {
	body, err := json.Marshal(map[string]any{"url": here, "events": []string{"*"}, "description": "tender listen"})
	if err != nil {
		return "", "", errors.Wrap(err, "write the endpoint")
	}
	var made struct{ ID, Secret string }
	err = h.call(ctx, http.MethodPost, endpointsPath, body, &made)
	return made.ID, made.Secret, err
}

// call asks Tender for something; answer is decoded into into, if it isn't nil.
func (h *hooks) call(ctx context.Context, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, listenCallMax)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(h.baseURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return errors.Wrap(err, "ask Tender")
	}
	r.Header.Set("Authorization", "Bearer "+h.key)
	r.Header.Set("Idempotency-Key", rand.Text())
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return errors.Wrap(err, "ask Tender")
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, listenBodyMax))
	if err != nil {
		return errors.Wrap(err, "read Tender's answer")
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return errors.Newf("Tender answered %s to %s %s: %s", answer.Status, method, path, text)
	}
	if into == nil {
		return nil
	}
	return errors.Wrap(json.Unmarshal(text, into), "read Tender's answer")
}

// say prints a line; messages arrive side by side.
func (h *hooks) say(format string, values ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(h.out, format+"\n", values...)
}
