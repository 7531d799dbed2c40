// Package bench measures what a merchant's server sees, over HTTP, against an
// installation that runs beside it.
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

// Merchant is one who takes payments over HTTP, and measures how fast that goes.
type Merchant struct {
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

// NewMerchant returns one who calls the server at base.
func NewMerchant(base, secretKey string, cpu func() (time.Duration, error)) *Merchant {
	return &Merchant{
		BaseURL: base, SecretKey: secretKey, CPU: cpu, run: strconv.FormatInt(time.Now().UnixNano(), 36),
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			MaxIdleConns: connectionsMax, MaxIdleConnsPerHost: connectionsMax, MaxConnsPerHost: connectionsMax,
		}},
	}
}

// measure has this many clients pay at once for about d; pay gets the client's
// number, from 0.
func (m *Merchant) measure(ctx context.Context, clients int, d time.Duration, pay func(ctx context.Context, client int) error) (Figures, error) {
	before, err := m.CPU()
	if err != nil {
		return Figures{}, err
	}
	f, err := bench.Measure(ctx, clients, d, func(ctx context.Context, client, _ int) error { return pay(ctx, client) })
	if err != nil {
		return Figures{}, err
	}
	after, err := m.CPU()
	return Figures{Figures: f, CPU: (after - before) / time.Duration(max(f.Count, 1))}, err
}

// key is an idempotency key that was not used before.
func (m *Merchant) key() string { return m.run + "-" + strconv.FormatInt(m.sent.Add(1), 10) }

// card is what every customer pays with.
const card = `{"type":"card","card":{"number":"4242424242424242","exp_month":12,"exp_year":2035,"cvc":"123"}}`

// shownSession is what a payment session shows.
type shownSession struct {
	ID              string `json:"id"`
	Checkout        string `json:"checkout_session_id"`
	Outcome         string `json:"payment_outcome"`
	PaymentID       string `json:"payment_id"`
	CustomerID      string `json:"customer_id"`
	PaymentMethodID string `json:"payment_method_id"`
	SubscriptionID  string `json:"subscription_id"`
}

// create makes a session.
func (m *Merchant) create(ctx context.Context, body string) (shownSession, error) {
	var s shownSession
	return s, m.post(ctx, "/collect/payment_sessions", m.key(), http.StatusCreated, body, &s)
}

// checkout makes a session, pays it as its customer, and shows it.
func (m *Merchant) checkout(ctx context.Context, body string) (shownSession, error) {
	s, err := m.create(ctx, body)
	if err != nil {
		return s, err
	}
	var state struct {
		Status string `json:"status"`
	}
	err = m.post(ctx, "/checkout/"+s.Checkout+"/attempts", "", http.StatusOK, `{"accept_mandate":true,"payment_method":`+card+`}`, &state)
	if err != nil {
		return s, err
	}
	if state.Status != "completed" {
		return s, fmt.Errorf("session %s is %s after the attempt, not completed", s.ID, state.Status)
	}
	return s, m.do(ctx, http.MethodGet, "/collect/payment_sessions/"+s.ID, "", http.StatusOK, "", &s)
}

// capture takes all that a session of amount has reserved.
func (m *Merchant) capture(ctx context.Context, s shownSession) error {
	if s.Outcome != "reserved" {
		return fmt.Errorf("session %s is %s, not reserved", s.ID, s.Outcome)
	}
	var paid struct {
		Paid int64 `json:"paid_amount"`
	}
	err := m.post(ctx, "/collect/payments/"+s.PaymentID+"/captures", m.key(), http.StatusOK, `{}`, &paid)
	if err == nil && paid.Paid != amount {
		err = fmt.Errorf("payment %s shows %d captured, not %d", s.PaymentID, paid.Paid, amount)
	}
	return err
}

func (m *Merchant) post(ctx context.Context, path, key string, want int, body string, into any) error {
	return m.do(ctx, http.MethodPost, path, key, want, body, into)
}

func (m *Merchant) do(ctx context.Context, method, path, key string, want int, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, m.BaseURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+m.SecretKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := m.client.Do(r)
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
