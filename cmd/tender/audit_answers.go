package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// auditSums are an object's amounts, in minor units of its currency.
type auditSums struct {
	Currency string `json:"currency"`
	Exponent *int   `json:"exponent"`
}

func (s auditSums) write(minor string) string { return decimalOf(minor, s.Exponent) + " " + s.Currency }

// auditSnapshot is an object as it was.
type auditSnapshot struct {
	auditSums
	ID            string            `json:"id"`
	Mode          string            `json:"mode"`
	MerchantID    string            `json:"merchant_id"`
	Position      int64             `json:"position"`
	Version       int               `json:"version"`
	EventPosition int64             `json:"event_position"`
	RecordedAt    string            `json:"recorded_at"`
	Exists        bool              `json:"exists"`
	Object        json.RawMessage   `json:"object"`
	Sums          map[string]string `json:"sums"`
}

func laySnapshot(w io.Writer, s auditSnapshot) error {
	fmt.Fprintf(w, "%s%s in the %s log as of position %d: version %d, of position %d, recorded %s\n\n",
		s.ID, of(s.MerchantID), s.Mode, s.Position, s.Version, s.EventPosition, dayTime(s.RecordedAt))
	if !s.Exists {
		_, err := fmt.Fprintln(w, "It was removed or erased by then.")
		return err
	}
	t := newTable("", "")
	for _, m := range members("", s.Object) {
		if minor, is := s.Sums[m.name]; is {
			m.value = s.write(minor)
		}
		t.row(m.name, m.value)
	}
	return t.print(w)
}

// of says whose an object is; the platform's own is nobody's.
func of(merchantID string) string {
	if merchantID == "" {
		return ""
	}
	return " of " + merchantID
}

// auditHistory is what happened to an object.
type auditHistory struct {
	auditSums
	ID         string         `json:"id"`
	Mode       string         `json:"mode"`
	MerchantID string         `json:"merchant_id"`
	Position   int64          `json:"position"`
	Events     []auditChapter `json:"events"`
}

type auditChapter struct {
	Position    int64  `json:"position"`
	Type        string `json:"type"`
	Words       string `json:"words"`
	EffectiveAt string `json:"effective_at"`
	RecordedAt  string `json:"recorded_at"`
	By          string `json:"by"`
	RequestID   string `json:"request_id"`
	Cause       *struct {
		EventID  string `json:"event_id"`
		Position int64  `json:"position"`
		Type     string `json:"type"`
	} `json:"cause"`
	Changes    map[string]auditChange `json:"changes"`
	References map[string]string      `json:"references"`
	Sums       map[string]string      `json:"sums"`
	Entries    []struct {
		Account     string `json:"account"`
		Side        string `json:"side"`
		AmountMinor string `json:"amount_minor"`
	} `json:"entries"`
	Webhooks []struct {
		DeliveryID string `json:"delivery_id"`
		EndpointID string `json:"endpoint_id"`
		EventType  string `json:"event_type"`
		Status     string `json:"status"`
		UpdatedAt  string `json:"updated_at"`
	} `json:"webhooks"`
}

type auditChange struct {
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

func layHistory(w io.Writer, h auditHistory) error {
	fmt.Fprintf(w, "%s%s in the %s log as of position %d\n", h.ID, of(h.MerchantID), h.Mode, h.Position)
	for _, c := range h.Events {
		fmt.Fprintf(w, "\n%d  %s  %s\n", c.Position, dayTime(c.RecordedAt), c.Type)
		t := newTable("", "", "")
		add := func(name, value string) {
			if value != "" {
				t.row("  ", name, value)
			}
		}
		add("what", c.Words)
		add("by", c.By)
		add("request", c.RequestID)
		if c.Cause != nil {
			which := c.Cause.Type + " at position " + strconv.FormatInt(c.Cause.Position, 10)
			if c.Cause.Position == 0 {
				which = "of another object"
			}
			add("because of", c.Cause.EventID+", "+which)
		}
		add("effective", dayTime(c.EffectiveAt))
		for _, name := range slices.Sorted(maps.Keys(c.Changes)) {
			add("change", h.change(c, name))
		}
		maps.DeleteFunc(c.Sums, func(_, minor string) bool { return minor == "0" })
		add("sums", pairs(c.Sums, func(name, minor string) string { return name + " " + h.write(minor) }))
		add("acquirer", pairs(c.References, func(name, value string) string { return name + " " + value }))
		for _, e := range c.Entries {
			add("journal", fmt.Sprintf("%s %s %s", e.Side, e.Account, h.write(strings.TrimPrefix(e.AmountMinor, "-"))))
		}
		for _, d := range c.Webhooks {
			add("webhook", fmt.Sprintf("%s %s to %s: %s, %s", d.DeliveryID, d.EventType, d.EndpointID, d.Status, dayTime(d.UpdatedAt)))
		}
		if err := t.print(w); err != nil {
			return err
		}
	}
	return nil
}

// change writes what became of a member; "" where an object begins with it empty.
func (h auditHistory) change(c auditChapter, name string) string {
	write := func(value json.RawMessage) string {
		if _, is := c.Sums[name]; is && len(value) > 0 {
			return h.write(string(value))
		}
		return cmp.Or(leaf(value), "–")
	}
	changed := c.Changes[name]
	if after := string(changed.After); len(changed.Before) == 0 && (after == "0" || after == "[]" || after == "{}") {
		return ""
	}
	return fmt.Sprintf("%s: %s → %s", name, write(changed.Before), write(changed.After))
}

// auditPage is a page of a list.
type auditPage[T any] struct {
	Mode       string `json:"mode"`
	Basis      string `json:"basis"`
	From       int64  `json:"from"`
	To         int64  `json:"to"`
	Data       []T    `json:"data"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor"`
}

// print writes the page's rows, and how to go on.
func (p auditPage[T]) print(w io.Writer, t *table) error {
	if err := t.print(w); err != nil {
		return err
	}
	more := ""
	if p.HasMore {
		more = fmt.Sprintf("; there is more: --to %d --cursor %s", p.To, p.NextCursor)
		if p.Basis == "effective" {
			more = fmt.Sprintf("; there is more: --as-of %d --cursor %s", p.To, p.NextCursor)
		}
	}
	_, err := fmt.Fprintf(w, "\n%d rows of positions %d to %d of the %s log%s\n", len(p.Data), p.From, p.To, p.Mode, more)
	return err
}

type auditEvent struct {
	Position   int64      `json:"position"`
	Stream     string     `json:"stream"`
	Version    int        `json:"version"`
	Type       string     `json:"type"`
	RecordedAt string     `json:"recorded_at"`
	Actor      auditActor `json:"actor"`
	Payload    string     `json:"payload"`
}

type auditActor struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

func (a auditActor) String() string { return strings.TrimSpace(a.Kind + " " + a.ID) }

func layEvents(w io.Writer, p auditPage[auditEvent]) error {
	t := newTable(">POSITION", "RECORDED", "STREAM", ">VERSION", "TYPE", "BY", "PAYLOAD")
	for _, e := range p.Data {
		t.row(strconv.FormatInt(e.Position, 10), dayTime(e.RecordedAt), e.Stream, strconv.Itoa(e.Version), e.Type, e.Actor.String(), e.Payload)
	}
	return p.print(w, t)
}

type auditEntry struct {
	auditSums
	Position    int64  `json:"position"`
	EventType   string `json:"event_type"`
	RecordedAt  string `json:"recorded_at"`
	EffectiveAt string `json:"effective_at"`
	PaymentID   string `json:"payment_id"`
	Reference   string `json:"reference"`
	Account     string `json:"account"`
	Side        string `json:"side"`
	AmountMinor string `json:"amount_minor"`
}

func layJournal(w io.Writer, p auditPage[auditEntry]) error {
	t := newTable(">POSITION", "RECORDED", "EFFECTIVE", "EVENT", "PAYMENT", "ACCOUNT", ">DEBIT", ">CREDIT", "CURRENCY", "REFERENCE")
	for _, e := range p.Data {
		debit, credit := decimalOf(e.AmountMinor, e.Exponent), ""
		if e.Side == "credit" {
			debit, credit = "", strings.TrimPrefix(debit, "-")
		}
		t.row(strconv.FormatInt(e.Position, 10), dayTime(e.RecordedAt), dayTime(e.EffectiveAt), e.EventType, e.PaymentID, e.Account,
			debit, credit, e.Currency, e.Reference)
	}
	return p.print(w, t)
}
