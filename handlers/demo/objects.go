package demo

import (
	"encoding/json"
	"strings"
	"time"
)

// What the shop reads of the API's objects. Each carries its version, and the
// highest is the newest, whether it came as an answer or by a webhook, and in
// whatever order.

type session struct {
	ID             string            `json:"id"`
	Type           string            `json:"type"`
	Status         string            `json:"status"`
	Outcome        string            `json:"payment_outcome"`
	Amount         int64             `json:"amount"`
	Currency       string            `json:"currency"`
	CustomerID     string            `json:"customer_id"`
	MethodID       string            `json:"payment_method_id"`
	PaymentID      string            `json:"payment_id"`
	MandateID      string            `json:"mandate_id"`
	SubscriptionID string            `json:"subscription_id"`
	URL            string            `json:"session_url"`
	Reference      string            `json:"external_reference"`
	Metadata       map[string]string `json:"metadata"`
	LastError      *paymentError     `json:"last_payment_error"`
	Occurrence     *occurrence       `json:"occurrence"`
	Version        int               `json:"version"`
	CreatedAt      time.Time         `json:"created_at"`
}

type paymentError struct {
	Message string `json:"message"`
}

type occurrence struct {
	Number  int `json:"number"`
	Attempt int `json:"attempt"`
}

type payment struct {
	ID         string      `json:"id"`
	Status     string      `json:"status"`
	Amount     int64       `json:"amount"`
	Currency   string      `json:"currency"`
	Authorised int64       `json:"authorised_amount"`
	Paid       int64       `json:"paid_amount"`
	Voided     int64       `json:"voided_amount"`
	Expired    int64       `json:"expired_amount"`
	Pending    int64       `json:"pending_amount"`
	Capturable int64       `json:"capturable_amount"`
	Refunded   int64       `json:"refunded_amount"`
	Refundable int64       `json:"refundable_amount"`
	Details    details     `json:"payment_method_details"`
	Captures   []operation `json:"captures"`
	Refunds    []operation `json:"refunds"`
	Version    int         `json:"version"`
}

// wentBack reports whether all that was taken was refunded. Payments by account, which
// know no authorisation, take their whole amount and have no sum of what was paid.
func (p payment) wentBack() bool {
	taken := p.Paid
	if p.Authorised == 0 {
		taken = p.Amount
	}
	return p.Refunded > 0 && p.Refunded == taken
}

// operation is a capture or a refund.
type operation struct {
	Amount int64  `json:"amount"`
	Status string `json:"status"`
}

// details are the parts of payment_method_details that people know a method by.
type details struct {
	Type string `json:"type"`
	Card struct {
		Scheme string `json:"scheme"`
		Last4  string `json:"last4"`
	} `json:"card"`
	InstantEFT struct {
		BankName string `json:"bank_name"`
	} `json:"instant_eft"`
	CapitecPay telephone `json:"capitec_pay"`
	MTNMoMo    telephone `json:"mtn_momo"`
}

// telephone is what is known of an account whose owner approves on their telephone.
type telephone struct {
	Phone string `json:"phone"` // masked
}

// said names a method as people know it; "" where nothing is known of it.
func (d details) said() string {
	switch {
	case d.Card.Last4 != "":
		return d.Card.Scheme + " •••• " + d.Card.Last4
	case d.InstantEFT.BankName != "":
		return "Instant EFT at " + d.InstantEFT.BankName
	case d.CapitecPay.Phone != "":
		return "Capitec Pay, " + d.CapitecPay.Phone
	case d.MTNMoMo.Phone != "":
		return "MTN MoMo, " + d.MTNMoMo.Phone
	}
	return d.Type
}

type subscription struct {
	ID            string      `json:"id"`
	Status        string      `json:"status"`
	NextPaymentAt time.Time   `json:"next_payment_at"`
	Upcoming      []time.Time `json:"upcoming"`
	Version       int         `json:"version"`
}

type clock struct {
	ID      string    `json:"id"`
	At      time.Time `json:"frozen_time"`
	Status  string    `json:"status"`
	Version int       `json:"version"`
}

// heading is what every object says of itself, and of what it belongs to.
type heading struct {
	ID             string            `json:"id"`
	Version        int               `json:"version"`
	Status         string            `json:"status"`
	Reference      string            `json:"external_reference"`
	CustomerID     string            `json:"customer_id"`
	SessionID      string            `json:"payment_session_id"`
	SubscriptionID string            `json:"subscription_id"`
	Metadata       map[string]string `json:"metadata"`
	CreatedAt      time.Time         `json:"created_at"`
	Data           []json.RawMessage `json:"data"` // of a list
}

// keep takes in an answer's object, or the objects of a list. s.mu is held.
func (s *Shop) keep(o *order, body []byte) {
	var h heading
	if o == nil || json.Unmarshal(body, &h) != nil {
		return
	}
	if len(h.Data) == 0 {
		s.keepObject(o, h, body)
		return
	}
	for _, one := range h.Data {
		var h heading
		if json.Unmarshal(one, &h) == nil {
			s.keepObject(o, h, one)
		}
	}
}

// keepObject takes in an object, unless a newer version of it is known. s.mu is held.
func (s *Shop) keepObject(o *order, h heading, body []byte) {
	prefix, _, isID := strings.Cut(h.ID, "_")
	if !isID {
		return
	}
	s.owners[h.ID] = o.ref
	if h.CustomerID != "" {
		s.owners[h.CustomerID] = o.ref
	}
	switch prefix {
	case "ps":
		newest(o.sessions, h, body)
	case "pay":
		newest(o.payments, h, body)
	case "sub":
		newest(o.subscriptions, h, body)
	case "clk":
		newest(o.clocks, h, body)
	}
}

// newest keeps an object in the place of an older version of it.
func newest[T any](kept map[string]version[T], h heading, body []byte) {
	if old, known := kept[h.ID]; known && old.number >= h.Version {
		return
	}
	v := version[T]{number: h.Version}
	if json.Unmarshal(body, &v.value) == nil {
		kept[h.ID] = v
	}
}

// version is an object as one of its versions shows it.
type version[T any] struct {
	number int
	value  T
}
