package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/url"
	"strings"

	"github.com/cockroachdb/errors"
)

// answerBytesMax is how much of an answer is laid out for people. What is longer is a
// file's business.
const answerBytesMax = 32 << 20

// auditParameters are the options that narrow what is asked for; the API calls each the
// same, with an underscore.
var auditParameters = map[string]string{
	"mode":      "test or live; default: live, where it has an acquirer",
	"merchant":  "one merchant, mer_…; default: all that the key holds for",
	"as-of":     "by a position, a time like 2026-10-31T09:30:00Z, or a date like 2026-10-31; default: now",
	"from":      "the first position, time or date",
	"to":        "the last position, time or date",
	"basis":     "order and cut by the recorded time, or by the effective one: recorded or effective",
	"account":   "one account of the journal, as merchant_payable",
	"payment":   "one payment, pay_…",
	"stream":    "one object's events, as pay_…",
	"type":      "one type of events, as payment.captured, or all of an aggregate, as payment.*",
	"time-zone": "the IANA zone that dates are days in; default: the merchant's",
	"limit":     "how many rows a page has",
	"cursor":    "the page behind this one, as the one before has named it",
	"format":    "csv or jsonl",
}

// inquiry is a question that is put to the audit.
type inquiry struct {
	client client
	query  url.Values
	json   bool // print what the API says
	stdout io.Writer
}

// newInquiry adds the options that name parameters to flags, and parses args.
func newInquiry(flags *flag.FlagSet, args []string, stdout io.Writer, parameters ...string) (*inquiry, error) {
	q := &inquiry{query: url.Values{}, stdout: stdout}
	for _, name := range parameters {
		flags.String(name, "", auditParameters[name])
	}
	if err := parseSettings(flags, args, q.client.financeSettings()); err != nil {
		return nil, err
	}
	for _, name := range parameters {
		if value := flags.Lookup(name).Value.String(); value != "" {
			q.query.Set(strings.ReplaceAll(name, "-", "_"), value)
		}
	}
	return q, nil
}

// path is a path of the API with what is asked for.
func (q *inquiry) path(path string) string {
	if len(q.query) == 0 {
		return path
	}
	return path + "?" + q.query.Encode()
}

// ask reads an answer and decodes it.
func (q *inquiry) ask(ctx context.Context, path string, into any) (raw []byte, err error) {
	var text bounded
	if err := q.client.stream(ctx, q.path(path), &text); err != nil {
		return nil, err
	}
	return text.Bytes(), errors.Wrap(json.Unmarshal(text.Bytes(), into), "read an answer")
}

// bounded gathers an answer that is not too long.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(more []byte) (int, error) {
	if b.Len()+len(more) > answerBytesMax {
		return 0, errors.Newf("it is longer than %d MB: ask for less, or export it", answerBytesMax>>20)
	}
	return b.Buffer.Write(more)
}

// auditCommand returns a command that asks one question. Where the path is an object's,
// its id is the first word; lay lays the answer out for people.
func auditCommand[T any](name, path string, lay func(io.Writer, T) error, parameters ...string) func(context.Context, []string, io.Writer, io.Writer) error {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		at := path
		if strings.Contains(path, "{id}") {
			if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				at, args = strings.Replace(path, "{id}", url.PathEscape(args[0]), 1), args[1:]
			} else if len(args) == 0 || !isHelp(args[0]) {
				return usageError("tender: use tender audit " + name + " ID, for example pay_…, and then its options")
			}
		}
		flags := newFlags("audit "+name, stderr)
		asJSON := flags.Bool("json", false, "print what the API says")
		q, err := newInquiry(flags, args, stdout, parameters...)
		if err != nil {
			return err
		}
		q.json = *asJSON
		return answer(ctx, q, at, lay)
	}
}

// isHelp reports whether an argument asks for a command's options.
func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// answer asks and prints. A page that is empty because the search has found nothing yet
// is followed by the next.
func answer[T any](ctx context.Context, q *inquiry, path string, lay func(io.Writer, T) error) error {
	for {
		var page struct {
			Data       []json.RawMessage `json:"data"`
			HasMore    bool              `json:"has_more"`
			NextCursor string            `json:"next_cursor"`
		}
		raw, err := q.ask(ctx, path, &page)
		if err != nil {
			return err
		}
		if page.HasMore && len(page.Data) == 0 {
			q.query.Set("cursor", page.NextCursor)
			continue
		}
		var said T
		if err := json.Unmarshal(raw, &said); err != nil {
			return errors.Wrap(err, "read an answer")
		}
		if !q.json {
			return lay(q.stdout, said)
		}
		if _, err := q.stdout.Write(raw); err != nil {
			return err
		}
		return lay(io.Discard, said) // it fails where the answer is a bad one
	}
}
