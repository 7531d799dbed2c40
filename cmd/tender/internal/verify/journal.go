package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/cmd/internal/logproof"
)

// The accounts, as docs/finance.md names them.
const (
	receivable = "acquirer_receivable"
	payable    = "merchant_payable"
	transit    = "refunds_in_transit"
	suspense   = "suspense"
	memo       = "memo_authorisations"
	contra     = "memo_contra"
)

// posting is an amount on an account: a debit is positive.
type posting struct {
	account string
	amount  int64
}

// facts are what the payload of a payment's event says about money.
type facts struct {
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	Key           string `json:"key"`
	ReversalID    string `json:"reversal_id"`
	Late          bool   `json:"late"`
	Refund        bool   `json:"refund"`
	Performed     bool   `json:"performed"`
	CaptureMethod string `json:"capture_method"`
	Intent        string `json:"intent"`
}

// Sums are what the journal adds up to, computed from the log's own bytes.
type Sums struct {
	Entries  int64
	Compared int64  // the position up to which the read model was held against them
	LeftOut  int    // events that operators had the read model leave out
	Unread   string // why the read model was not looked at; "": it was
	// Accounts are the balances by currency and account.
	Accounts map[string]map[string]int64
}

// journal computes, event by event, what moves on which account, by the table in
// docs/finance.md and from payloads as they lie in the log. It shares nothing with the
// package that the read model is made by, and holds the read model's rows against what
// it computes: they come in the order of positions, too.
type journal struct {
	ctx   context.Context
	db    *pgx.Conn // for what is asked now and then
	log   string
	shown *shownEntries
	found func(Finding)
	sums  Sums
	// leftOut are positions that the read model doesn't take in, as an operator decided,
	// or because they were set aside.
	leftOut map[int64]bool
	// paysBack holds the reversals that pay money back: they are rare.
	paysBack map[string]bool
}

// add takes the log's next event.
func (j *journal) add(e *logproof.Event) error {
	if j.leftOut[e.Position] {
		return nil
	}
	var want []posting
	var said facts
	if bytes.HasPrefix(e.Type, []byte("payment.")) {
		var err error
		if want, said, err = j.postings(e); err != nil {
			return err
		}
	}
	if len(want) > 0 {
		j.book(e, said.Currency, want)
	}
	return j.compare(e, said.Currency, want)
}

// book adds postings up, which make nothing out of nothing.
func (j *journal) book(e *logproof.Event, currency string, want []posting) {
	accounts := j.sums.Accounts[currency]
	if accounts == nil {
		accounts = map[string]int64{}
		j.sums.Accounts[currency] = accounts
	}
	var sum int64
	for _, p := range want {
		accounts[p.account] += p.amount
		sum += p.amount
	}
	j.sums.Entries += int64(len(want))
	if sum != 0 {
		j.wrong(e.Position, string(e.Stream), fmt.Sprintf("what %s moves adds up to %d %s", e.Type, sum, currency))
	}
}

func (j *journal) wrong(position int64, subject, detail string) {
	j.found(Finding{Position: position, Check: CheckJournal, Subject: subject, Detail: detail})
}

// postings returns what an event of a payment moves.
func (j *journal) postings(e *logproof.Event) (moved []posting, said facts, err error) {
	move := func(debit, credit string) {
		if said.Amount != 0 {
			moved = append(moved, posting{debit, said.Amount}, posting{credit, -said.Amount})
		}
	}
	kind := string(e.Type[len("payment."):])
	if !moves[kind] {
		return nil, said, nil
	}
	if err := json.Unmarshal(e.Payload, &said); err != nil {
		j.wrong(e.Position, string(e.Stream), "its payload can't be read: "+err.Error())
		return nil, said, nil
	}
	switch kind {
	case "authorised":
		move(memo, contra)
	case "paid":
		move(receivable, payable)
	case "captured":
		move(receivable, payable)
		move(contra, memo)
	case "voided", "authorisation_expired":
		move(contra, memo)
	case "refund_requested":
		move(payable, transit)
	case "refunded":
		move(transit, receivable)
	case "refund_failed":
		if said.Late {
			move(receivable, payable)
		} else {
			move(transit, payable)
		}
	case "reversal_requested":
		if said.Refund {
			j.paysBack[said.ReversalID] = true
			move(suspense, transit)
		}
	case "reversed":
		if j.paysBack[said.ReversalID] {
			move(transit, receivable)
		}
	case "reversal_failed":
		if j.paysBack[said.ReversalID] {
			move(transit, suspense)
		}
	case "contradicted":
		comesIn, moves, err := j.direction(string(e.Stream), said.Key)
		switch {
		case err != nil || !moves:
			return nil, said, err
		case comesIn == said.Performed:
			move(receivable, suspense)
		default:
			move(suspense, receivable)
		}
	}
	return moved, said, nil
}

// moves are the types that may move something, without what they all begin with.
var moves = map[string]bool{
	"authorised": true, "paid": true, "captured": true, "voided": true, "authorisation_expired": true, "refund_requested": true,
	"refunded": true, "refund_failed": true, "reversal_requested": true, "reversed": true, "reversal_failed": true, "contradicted": true,
}

// direction says whether what was asked under a key takes money in or pays it out, if it
// moves any. Keys are made of the payment's id and the operation's, or the number of an
// attempt. Contradictions are rare, so that the payment is looked up.
func (j *journal) direction(stream, key string) (comesIn, moves bool, err error) {
	operation := strings.TrimPrefix(key, stream+"-")
	switch {
	case strings.HasPrefix(operation, "cap_"):
		return true, true, nil
	case strings.HasPrefix(operation, "ref_"):
		return false, true, nil
	case strings.HasPrefix(operation, "voi_"):
		return false, false, nil
	case strings.HasPrefix(operation, "rev_"):
		return false, j.paysBack[operation], nil
	}
	var payload []byte
	if err := j.db.QueryRow(j.ctx, `SELECT payload FROM `+j.log+` WHERE stream = $1 AND version = 1`, stream).Scan(&payload); err != nil {
		return false, false, errors.Wrapf(err, "read what payment %s is", stream)
	}
	var said facts
	if err := json.Unmarshal(payload, &said); err != nil {
		return false, false, errors.Wrapf(err, "read what payment %s is", stream)
	}
	return true, said.CaptureMethod == "automatic" && said.Intent != "payment_method_verification", nil
}

// compare holds the rows that are shown for an event against what it moves.
func (j *journal) compare(e *logproof.Event, currency string, want []posting) error {
	if j.shown == nil || e.Position > j.sums.Compared {
		return nil
	}
	shown, err := j.shown.at(e.Position)
	if err != nil || len(shown) == 0 && len(want) == 0 {
		return err
	}
	differs := len(shown) != len(want)
	for _, p := range want {
		differs = differs || !slices.Contains(shown, entry{e.Position, string(e.MerchantID), p.account, currency, p.amount})
	}
	if differs {
		j.wrong(e.Position, string(e.Stream), fmt.Sprintf("the journal has %s, and %s is %s", inWords(shown), e.Type, inWords(asEntries(want, currency))))
	}
	return nil
}

// end takes in that the log ends.
func (j *journal) end() error {
	for j.shown != nil {
		rest, err := j.shown.beyond()
		if err != nil || rest == nil {
			return err
		}
		j.wrong(rest.position, "journal", fmt.Sprintf("the journal has %s, and the log no event for it", inWords([]entry{*rest})))
	}
	return nil
}

func asEntries(all []posting, currency string) (entries []entry) {
	for _, p := range all {
		entries = append(entries, entry{account: p.account, currency: currency, amount: p.amount})
	}
	return entries
}

// inWords tells what entries say.
func inWords(all []entry) string {
	if len(all) == 0 {
		return "nothing"
	}
	parts := make([]string, len(all))
	for i, e := range all {
		side, amount := "Dr", e.amount
		if amount < 0 {
			side, amount = "Cr", -amount
		}
		parts[i] = fmt.Sprintf("%s %s %d %s", side, e.account, amount, e.currency)
	}
	return strings.Join(parts, ", ")
}
