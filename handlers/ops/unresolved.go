package ops

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"tender/acquirers"
	"tender/domain/decline"
	"tender/domain/money"
	"tender/domain/payment"
	"tender/handlers/engine"
)

// unresolved is a payment as operators see it: what of it waits for the acquirer.
type unresolved struct {
	PaymentID  string         `json:"payment_id"`
	MerchantID string         `json:"merchant_id"`
	Acquirer   string         `json:"acquirer"`
	Status     payment.Status `json:"status"`
	Version    int            `json:"version"`
	Operations []operation    `json:"operations"`
	// Resolutions are all that were ever proposed; lists leave them out.
	Resolutions []resolution `json:"resolutions,omitempty"`
	// Asked is what the acquirer has just said, where it was asked.
	Asked []asked `json:"asked,omitempty"`
}

// unresolvedPage is one page of them.
type unresolvedPage struct {
	Data       []unresolved `json:"data"`
	HasMore    bool         `json:"has_more"`
	NextCursor string       `json:"next_cursor,omitempty"`
}

// operation is something that the acquirer was asked and has not finally answered.
type operation struct {
	OperationID string `json:"operation_id"`
	Kind        string `json:"kind"`
	Key         string `json:"key"`
	AmountMinor string `json:"amount_minor"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	// AnswerBy is from when on anybody may ask; Unresolved: that was a day ago or more.
	AnswerBy    string `json:"answer_by"`
	Unresolved  bool   `json:"unresolved"`
	AskedCount  int    `json:"asked_count"`
	LastAskedAt string `json:"last_asked_at,omitempty"`
	// LastAnswer is what the acquirer said then, of that which doesn't end the doubt.
	LastAnswer acquirers.Status `json:"last_answer,omitempty"`
	// Resolution is what somebody has said of it, and waits for a second person.
	Resolution *resolution `json:"resolution,omitempty"`
}

// resolution is what somebody has said of an operation.
type resolution struct {
	ID                   string                   `json:"id"`
	Status               payment.ResolutionStatus `json:"status"`
	OperationID          string                   `json:"operation_id"`
	Outcome              string                   `json:"outcome"`
	Reference            string                   `json:"reference,omitempty"`
	NetworkTransactionID string                   `json:"network_transaction_id,omitempty"`
	ExpiresAt            string                   `json:"expires_at,omitempty"`
	EffectiveAt          string                   `json:"effective_at,omitempty"`
	ErrorCode            decline.ErrorCode        `json:"error_code,omitempty"`
	DeclineCode          decline.Code             `json:"decline_code,omitempty"`
	Reason               string                   `json:"reason"`
	ProposedBy           string                   `json:"proposed_by"`
	EndedBy              string                   `json:"ended_by,omitempty"`
}

// asked is what the acquirer says when it is asked.
type asked struct {
	OperationID string           `json:"operation_id"`
	Answer      acquirers.Status `json:"answer"`
}

// The outcomes that an operation may have.
const (
	outcomeSucceeded = "succeeded"
	outcomeFailed    = "failed"
)

// kindAttempt is what a call is that is no operation on a payment that stands.
const kindAttempt = "attempt"

func showUnresolved(p engine.Loaded[payment.State], wall time.Time) unresolved {
	out := unresolved{
		PaymentID: p.ID, MerchantID: p.MerchantID, Acquirer: p.Value.Acquirer, Status: p.Value.Status, Version: p.Version,
		Operations: []operation{},
	}
	for _, c := range p.Value.Calls() {
		op := operation{
			OperationID: c.ID, Kind: cmp.Or(string(c.Operation), kindAttempt), Key: c.Key,
			AmountMinor: strconv.FormatInt(c.Amount, 10), Amount: money.FormatPlain(c.Amount, p.Value.Currency), Currency: p.Value.Currency,
			AnswerBy: timeText(c.AnswerBy), Unresolved: c.Unresolved(wall),
		}
		if r, proposed := p.Value.ProposedFor(c.Key); proposed {
			shown := showResolution(r)
			op.Resolution = &shown
		}
		out.Operations = append(out.Operations, op)
	}
	return out
}

func showResolutions(p payment.State) []resolution {
	var out []resolution
	for _, r := range p.Resolutions {
		out = append(out, showResolution(r))
	}
	return out
}

func showResolution(r payment.Resolution) resolution {
	v := r.Verdict
	out := resolution{
		ID: r.ID, Status: r.Status, OperationID: v.OperationID, Outcome: outcomeFailed,
		Reference: v.Reference, NetworkTransactionID: v.NetworkTransactionID,
		ExpiresAt: timeText(v.ExpiresAt), EffectiveAt: timeText(v.EffectiveAt),
		Reason: r.Reason, ProposedBy: r.By, EndedBy: r.EndedBy,
	}
	if v.Performed {
		out.Outcome = outcomeSucceeded
	}
	if v.Failure != nil {
		out.ErrorCode, out.DeclineCode = v.Failure.ErrorCode, v.Failure.DeclineCode
	}
	return out
}

// countInquiries adds how often the acquirer was asked about each operation.
func (m Mode) countInquiries(ctx context.Context, shown []unresolved) error {
	var keys []string
	for _, p := range shown {
		for _, op := range p.Operations {
			keys = append(keys, op.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	for some := range slices.Chunk(keys, keysReadMax) {
		found, err := m.Payments.Asked(ctx, some)
		if err != nil {
			return err
		}
		for _, p := range shown {
			for i, op := range p.Operations {
				if in, there := found[op.Key]; there {
					p.Operations[i].AskedCount, p.Operations[i].LastAskedAt, p.Operations[i].LastAnswer = in.Asked, timeText(in.At), in.Answer
				}
			}
		}
	}
	return nil
}

// keysReadMax is about how many operations inquiries are counted at once.
const keysReadMax = 1000

// timeText writes a time; "" for none.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
