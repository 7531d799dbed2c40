// Package bench measures whole payments over HTTP, against an installation that
// runs beside it.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tender/eventstore/bench"
)

// Payments measures whole payments over HTTP: create a session with manual
// capture, pay it at the checkout with a card, capture it.
type Payments struct {
	BaseURL   string
	SecretKey string
	// CPU returns the processor time that the server's processes have used.
	CPU func() (time.Duration, error)

	client *http.Client
	run    string
	sent   atomic.Int64
}

// connectionsMax are kept open to the server.
const connectionsMax = 256

// Figures is what a measurement of payments came to.
type Figures struct {
	bench.Figures
	CPU time.Duration // of the server's processes, per payment
}

// NewPayments returns a measurement of the server at base.
func NewPayments(base, secretKey string, cpu func() (time.Duration, error)) *Payments {
	return &Payments{
		BaseURL: base, SecretKey: secretKey, CPU: cpu, run: strconv.FormatInt(time.Now().UnixNano(), 36),
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			MaxIdleConns: connectionsMax, MaxIdleConnsPerHost: connectionsMax, MaxConnsPerHost: connectionsMax,
		}},
	}
}

// Measure pays from this many clients at once for about d.
func (p *Payments) Measure(ctx context.Context, clients int, d time.Duration) (Figures, error) {
	before, err := p.CPU()
	if err != nil {
		return Figures{}, err
	}
	f, err := bench.Measure(ctx, clients, d, func(ctx context.Context, _, _ int) error { return p.pay(ctx) })
	if err != nil {
		return Figures{}, err
	}
	after, err := p.CPU()
	return Figures{Figures: f, CPU: (after - before) / time.Duration(max(f.Count, 1))}, err
}

// pay makes one payment.
func (p *Payments) pay(ctx context.Context) error {
	n := strconv.FormatInt(p.sent.Add(1), 10)
	var s struct {
		Checkout string `json:"checkout_session_id"`
		ID       string `json:"id"`
	}
	err := p.post(ctx, "/collect/payment_sessions", "s"+p.run+n, http.StatusCreated,
		`{"amount":10000,"currency":"ZAR","external_reference":"bench-`+n+`","options":{"payment_method_options":{"card":{"capture_method":"manual"}}}}`, &s)
	if err != nil {
		return err
	}
	var state struct {
		Status string `json:"status"`
	}
	err = p.post(ctx, "/checkout/"+s.Checkout+"/attempts", "", http.StatusOK,
		`{"payment_method":{"type":"card","card":{"number":"4242424242424242","exp_month":12,"exp_year":2035,"cvc":"123"}}}`, &state)
	if err != nil {
		return err
	}
	if state.Status != "completed" {
		return fmt.Errorf("session %s is %s after the attempt, not completed", s.ID, state.Status)
	}
	var shown struct {
		PaymentID string `json:"payment_id"`
	}
	if err := p.do(ctx, http.MethodGet, "/collect/payment_sessions/"+s.ID, "", http.StatusOK, "", &shown); err != nil {
		return err
	}
	var paid struct {
		Paid int64 `json:"paid_amount"`
	}
	err = p.post(ctx, "/collect/payments/"+shown.PaymentID+"/captures", "c"+p.run+n, http.StatusOK, `{}`, &paid)
	if err == nil && paid.Paid != 10000 {
		err = fmt.Errorf("payment %s shows %d captured, not 10000", shown.PaymentID, paid.Paid)
	}
	return err
}

func (p *Payments) post(ctx context.Context, path, key string, want int, body string, into any) error {
	return p.do(ctx, http.MethodPost, path, key, want, body, into)
}

func (p *Payments) do(ctx context.Context, method, path, key string, want int, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, p.BaseURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+p.SecretKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != want {
		return fmt.Errorf("%s %s: %d: %s", method, path, answer.StatusCode, text)
	}
	return json.Unmarshal(text, into)
}
