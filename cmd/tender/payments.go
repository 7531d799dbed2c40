package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// paymentsUse is how payments that are unresolved are seen and resolved.
const paymentsUse = `tender payments unresolved [--merchant mer_…], show|ask pay_…,
  resolve pay_… --operation cap_… --succeeded REFERENCE [--expires-at TIME] --reason TEXT,
  resolve pay_… --operation cap_… --failed ERROR_CODE[/DECLINE_CODE] --reason TEXT,
  confirm pay_… res_… or reject pay_… res_… [--reason TEXT]`

// paymentsCommand is what is done about payments that are unresolved. It goes by the
// API, so that it is recorded who did it.
type paymentsCommand struct {
	client client
	stdout io.Writer
	query  url.Values
	words  []string // what stands before the options: the payment, and the resolution
}

// paymentsCommands are what can be done, and how many words each takes.
var paymentsCommands = map[string]struct {
	words int
	run   func(*paymentsCommand, context.Context, *flag.FlagSet) error
}{
	"unresolved": {0, (*paymentsCommand).unresolved},
	"show":       {1, (*paymentsCommand).show},
	"ask":        {1, (*paymentsCommand).ask},
	"resolve":    {1, (*paymentsCommand).resolve},
	"confirm":    {2, (*paymentsCommand).confirm},
	"reject":     {2, (*paymentsCommand).reject},
}

// paymentsOptions are the options of each command beside where the API is.
var paymentsOptions = map[string]map[string]string{
	"unresolved": {"merchant": "one merchant, mer_…; default: all that the key holds for"},
	"resolve": {
		"operation":              "what is resolved: att_…, cap_…, voi_…, ref_… or rev_…",
		"succeeded":              "it took place, under this reference of the acquirer's",
		"failed":                 "it did not take place: an error code, as processing_error, or card_declined/do_not_honor",
		"reason":                 "how you know; kept for ever, so nothing about a person",
		"effective-at":           "when the acquirer dates it, as 2026-11-22T09:30:00Z",
		"expires-at":             "when an authorisation ends that waits for captures",
		"network-transaction-id": "the card scheme's, of an attempt that succeeded, where it is known",
	},
	"reject": {"reason": "why; kept for ever, so nothing about a person"},
}

// runPayments shows payments that are unresolved, and has them asked about and resolved.
func runPayments(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || isHelp(args[0]) {
		return usageError("tender: use " + paymentsUse)
	}
	does, known := paymentsCommands[args[0]]
	if !known {
		return usageError("tender: use " + paymentsUse)
	}
	c := &paymentsCommand{stdout: stdout, query: url.Values{}}
	rest := args[1:]
	for len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		c.words, rest = append(c.words, rest[0]), rest[1:]
	}
	fs := newFlags("payments "+args[0], stderr)
	for name, means := range paymentsOptions[args[0]] {
		fs.String(name, "", means)
	}
	mode := fs.String("mode", "", "test or live; default: live, where it has an acquirer")
	if err := parseSettings(fs, rest, c.client.operatorSettings()); err != nil {
		return err
	}
	if len(c.words) != does.words {
		return usageError("tender: use " + paymentsUse)
	}
	if *mode != "" {
		c.query.Set("mode", *mode)
	}
	return does.run(c, ctx, fs)
}

// unresolvedPayment is a payment as the API shows it to operators.
type unresolvedPayment struct {
	PaymentID   string                `json:"payment_id"`
	MerchantID  string                `json:"merchant_id"`
	Acquirer    string                `json:"acquirer"`
	Status      string                `json:"status"`
	Operations  []unresolvedOperation `json:"operations"`
	Resolutions []paymentResolution   `json:"resolutions"`
	Asked       []struct {
		OperationID string `json:"operation_id"`
		Answer      string `json:"answer"`
	} `json:"asked"`
}

type unresolvedOperation struct {
	OperationID string             `json:"operation_id"`
	Kind        string             `json:"kind"`
	Key         string             `json:"key"`
	Amount      string             `json:"amount"`
	Currency    string             `json:"currency"`
	AnswerBy    string             `json:"answer_by"`
	Unresolved  bool               `json:"unresolved"`
	AskedCount  int                `json:"asked_count"`
	LastAskedAt string             `json:"last_asked_at"`
	LastAnswer  string             `json:"last_answer"`
	Resolution  *paymentResolution `json:"resolution"`
}

type paymentResolution struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	OperationID string `json:"operation_id"`
	Outcome     string `json:"outcome"`
	Reference   string `json:"reference"`
	ErrorCode   string `json:"error_code"`
	DeclineCode string `json:"decline_code"`
	Reason      string `json:"reason"`
	ProposedBy  string `json:"proposed_by"`
	EndedBy     string `json:"ended_by"`
}

// path is that of something of the payment that is meant.
func (c *paymentsCommand) path(of string) string {
	p := "/ops/payments/" + url.PathEscape(c.words[0]) + of
	if len(c.query) > 0 {
		p += "?" + c.query.Encode()
	}
	return p
}

func (c *paymentsCommand) unresolved(ctx context.Context, fs *flag.FlagSet) error {
	if m := fs.Lookup("merchant").Value.String(); m != "" {
		c.query.Set("merchant", m)
	}
	c.query.Set("limit", "100")
	t := newTable("PAYMENT", "MERCHANT", "OPERATION", "KIND", ">AMOUNT", "SINCE", ">ASKED", "SAID OF IT")
	err := pages(ctx, &c.client, "/ops/payments/unresolved", c.query, func(p unresolvedPayment) bool {
		for _, o := range p.Operations {
			said := ""
			if o.Resolution != nil {
				said = o.Resolution.ID + ": " + o.Resolution.says()
			}
			t.row(p.PaymentID, p.MerchantID, o.OperationID, o.Kind, o.Amount+" "+o.Currency, dayTime(o.AnswerBy), strconv.Itoa(o.AskedCount), said)
		}
		return true
	})
	if err != nil {
		return err
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(c.stdout, "No payment is unresolved.")
		return err
	}
	return t.print(c.stdout)
}

func (c *paymentsCommand) show(ctx context.Context, _ *flag.FlagSet) error {
	return c.does(ctx, http.MethodGet, "", nil)
}

func (c *paymentsCommand) ask(ctx context.Context, _ *flag.FlagSet) error {
	return c.does(ctx, http.MethodPost, "/ask", nil)
}

func (c *paymentsCommand) resolve(ctx context.Context, fs *flag.FlagSet) error {
	option := func(name string) string { return fs.Lookup(name).Value.String() }
	body := map[string]string{}
	for member, name := range map[string]string{
		"operation_id": "operation", "reason": "reason", "effective_at": "effective-at", "expires_at": "expires-at",
		"network_transaction_id": "network-transaction-id",
	} {
		if value := option(name); value != "" {
			body[member] = value
		}
	}
	reference, failed := option("succeeded"), option("failed")
	switch {
	case (reference == "") == (failed == ""):
		return usageError("tender: say either --succeeded REFERENCE or --failed ERROR_CODE")
	case reference != "":
		body["outcome"], body["reference"] = "succeeded", reference
	default:
		body["outcome"] = "failed"
		errorCode, declineCode, declined := strings.Cut(failed, "/")
		if body["error_code"] = errorCode; declined {
			body["decline_code"] = declineCode
		}
	}
	return c.does(ctx, http.MethodPost, "/resolutions", body)
}

func (c *paymentsCommand) confirm(ctx context.Context, _ *flag.FlagSet) error {
	return c.does(ctx, http.MethodPost, "/resolutions/"+url.PathEscape(c.words[1])+"/confirm", nil)
}

func (c *paymentsCommand) reject(ctx context.Context, fs *flag.FlagSet) error {
	body := map[string]string{}
	if reason := fs.Lookup("reason").Value.String(); reason != "" {
		body["reason"] = reason
	}
	return c.does(ctx, http.MethodPost, "/resolutions/"+url.PathEscape(c.words[1])+"/reject", body)
}

// does asks for something, and shows the payment as it stands then.
func (c *paymentsCommand) does(ctx context.Context, method, of string, body any) error {
	var p unresolvedPayment
	if err := c.client.call(ctx, method, c.path(of), body, &p); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s of %s, with %s: %s\n", p.PaymentID, p.MerchantID, harmless(p.Acquirer), p.Status)
	for _, a := range p.Asked {
		fmt.Fprintf(c.stdout, "  %s: the acquirer %s\n", a.OperationID, answers[a.Answer])
	}
	for _, o := range p.Operations {
		o.print(c.stdout, p.PaymentID)
	}
	for _, r := range p.Resolutions {
		if r.Status != "proposed" {
			fmt.Fprintf(c.stdout, "  %s: %s, as %s said: %s (%s)\n", r.ID, r.became(), r.ProposedBy, r.says(), harmless(r.Reason))
		}
	}
	if len(p.Operations) == 0 {
		fmt.Fprintln(c.stdout, "  Nothing waits for the acquirer.")
	}
	return nil
}

// answers are what an acquirer may say when it is asked.
var answers = map[string]string{
	"none": "said nothing", "approved": "has performed it", "declined": "has declined it", "closed": "has not performed it, and never will",
	"pending": "leaves it open", "action_required": "waits for the customer",
}

// print shows what the acquirer owes an answer about, and what can be done.
func (o unresolvedOperation) print(w io.Writer, paymentID string) {
	since := "may be asked about from " + dayTime(o.AnswerBy) + " on"
	if o.Unresolved {
		since = "unresolved, unanswered since " + dayTime(o.AnswerBy)
	}
	fmt.Fprintf(w, "  %s, %s of %s %s: %s\n    the acquirer knows it as %s\n", o.OperationID, o.Kind, o.Amount, o.Currency, since, o.Key)
	if o.AskedCount > 0 {
		fmt.Fprintf(w, "    it was asked %d times in vain, last %s: it %s\n", o.AskedCount, dayTime(o.LastAskedAt), answers[o.LastAnswer])
	}
	if r := o.Resolution; r != nil {
		fmt.Fprintf(w, "    %s says: %s (%s)\n", r.ProposedBy, r.says(), harmless(r.Reason))
		fmt.Fprintf(w, "    another person: tender payments confirm %s %s, or reject\n", paymentID, r.ID)
	}
}

// says is what somebody says of an operation.
func (r paymentResolution) says() string {
	if r.Outcome == "succeeded" {
		return "it took place, under " + harmless(r.Reference)
	}
	codes := slices.DeleteFunc([]string{r.ErrorCode, r.DeclineCode}, func(s string) bool { return s == "" })
	return "it did not take place (" + strings.Join(codes, "/") + ")"
}

// became is what became of that.
func (r paymentResolution) became() string {
	if r.EndedBy == "" {
		return r.Status
	}
	return r.Status + " by " + r.EndedBy
}
