package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/errors"

	"tender/handlers/webhooks"
)

// Limits of listening to webhooks.
const (
	listenBodyMax = 1 << 20 // bytes of a message
	listenCallMax = 10 * time.Second
	listenSkewMax = 5 * time.Minute // how far a message's timestamp may be off
)

const endpointsPath = "/webhooks/endpoints"

// hooks receives the webhooks of an endpoint of its own, for people who try.
type hooks struct {
	client    client
	whole     bool   // print bodies, too
	forward   string // the URL that good messages are handed on to; "": none
	misbehave manner
	secret    webhooks.Secret

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
	fs.StringVar(&h.forward, "forward-to", "", "URL that each good message is handed on to, headers and all; its answer is Tender's")
	misbehave := fs.String("misbehave", "", "answer badly, to see what becomes of it: "+strings.Join(mannerNames(), ", "))
	if err := parseSettings(fs, args, h.client.settings()); err != nil {
		return err
	}
	if err := h.choose(*misbehave); err != nil {
		return err
	}
	if h.client.key == "" {
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
	h.say("Webhooks of %s arrive here, at %s (%s). Ctrl-C ends that and deletes the endpoint.", h.client.base, here, endpointID)
	go func() { served <- server.Serve(listener) }()
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	_ = server.Close()
	deleting, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenCallMax)
	defer cancel()
	if deleted := h.client.call(deleting, http.MethodDelete, endpointsPath+"/"+endpointID, nil, nil); deleted != nil {
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
			ID         string
			MerchantID string `json:"merchant_id"` // of an object that is the merchant's checkout
			Status     string
			Version    int
		}
	}
	if err := json.Unmarshal(body, &message); err != nil {
		h.say("a message that is no JSON: %v", err)
	}
	about := "no object" // a test message tells of none
	if o := message.Data; o.ID != "" || o.MerchantID != "" {
		about = strings.TrimSpace(fmt.Sprintf("%s#%d  %s", cmp.Or(o.ID, o.MerchantID), o.Version, o.Status))
	}
	h.say("%s  %-28s %s  (%s, signature good)", time.Now().Format(time.TimeOnly), message.Type, about, message.ID)
	if h.whole {
		h.say("%s", body)
	}
	h.answer(w, r, body)
}

// choose checks how messages are to be answered.
func (h *hooks) choose(misbehave string) error {
	if misbehave != "" {
		var known bool
		if h.misbehave, known = manners[misbehave]; !known {
			return usageError(fmt.Sprintf("tender: --misbehave is one of %s", strings.Join(mannerNames(), ", ")))
		}
		if h.forward != "" {
			return usageError("tender: either --forward-to or --misbehave: what is handed on is answered by the one it goes to")
		}
	}
	if h.forward == "" {
		return nil
	}
	if u, err := url.Parse(h.forward); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usageError("tender: --forward-to is a URL, for example http://127.0.0.1:3000/webhooks")
	}
	return nil
}

// answer acknowledges a good message, or does what was asked for instead.
func (h *hooks) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	switch {
	case h.misbehave != nil:
		h.misbehave(w, r)
	case h.forward != "":
		h.handOn(w, r, body)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// handOn sends a message to where it is to go, and answers Tender with the status
// that came back. Where none did, Tender tries again later, as it would with any
// endpoint that can't be reached.
func (h *hooks) handOn(w http.ResponseWriter, r *http.Request, body []byte) {
	ctx, cancel := context.WithTimeout(r.Context(), listenCallMax)
	defer cancel()
	on, err := http.NewRequestWithContext(ctx, http.MethodPost, h.forward, bytes.NewReader(body))
	if err == nil {
		for _, name := range []string{"Content-Type", webhooks.HeaderID, webhooks.HeaderTimestamp, webhooks.HeaderSignature} {
			on.Header.Set(name, r.Header.Get(name))
		}
		var answer *http.Response
		if answer, err = http.DefaultClient.Do(on); err == nil {
			_ = answer.Body.Close()
			h.say("          %s answers %s", h.forward, answer.Status)
			w.WriteHeader(answer.StatusCode)
			return
		}
	}
	h.say("          not handed on: %v", err)
	http.Error(w, "not handed on", http.StatusBadGateway)
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
	body := map[string]any{"url": here, "events": []string{"*"}, "description": "tender listen"}
	var made struct{ ID, Secret string }
	err = h.client.call(ctx, http.MethodPost, endpointsPath, body, &made)
	return made.ID, made.Secret, err
}

// say prints a line; messages arrive side by side.
func (h *hooks) say(format string, values ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(h.out, format+"\n", values...)
}
