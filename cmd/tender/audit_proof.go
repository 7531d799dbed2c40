package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/devenv"
)

const auditProofUsage = "tender: use tender audit proof inclusion --position N, tender audit proof consistency --from N [--to N], or tender audit proof events --from N [--to N]"

// financeSettings are what a client of the audit needs to know; dev.env names both.
func (c *client) financeSettings() []setting {
	return []setting{
		{"url", devenv.URL, "http://127.0.0.1:8080", "where the API is served", false, &c.base},
		{"key", devenv.FinanceKey, "", "a finance key", true, &c.key},
	}
}

// runAuditCheckpoint prints the last checkpoint as it was signed.
func runAuditCheckpoint(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c client
	flags := newFlags("audit checkpoint", stderr)
	mode := flags.String("mode", "", "test or live; default: live, where it has an acquirer")
	if err := parseSettings(flags, args, c.financeSettings()); err != nil {
		return err
	}
	var checkpoint struct {
		Note string `json:"note"`
	}
	if err := c.call(ctx, http.MethodGet, "/audit/checkpoint"+auditQuery(*mode, nil), nil, &checkpoint); err != nil {
		return err
	}
	_, err := io.WriteString(stdout, checkpoint.Note)
	return err
}

// runAuditProof prints proofs as tender-verify takes them.
func runAuditProof(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	needs := map[string][]string{"inclusion": {"position"}, "consistency": {"from", "to"}, "events": {"from", "to"}}
	if len(args) == 0 || needs[args[0]] == nil {
		return usageError(auditProofUsage)
	}
	var c client
	flags := newFlags("audit proof "+args[0], stderr)
	mode := flags.String("mode", "", "test or live; default: live, where it has an acquirer")
	numbers := map[string]*int64{}
	for i, name := range needs[args[0]] {
		does := "a position"
		if i > 0 {
			does += "; default: the last one that is sealed"
		}
		numbers[name] = flags.Int64(name, 0, does)
	}
	if err := parseSettings(flags, args[1:], c.financeSettings()); err != nil {
		return err
	}
	if first := needs[args[0]][0]; *numbers[first] == 0 {
		return usageError(auditProofUsage)
	}
	path := "/audit/proof/" + args[0] + auditQuery(*mode, numbers)
	if args[0] == "events" {
		return c.stream(ctx, path, stdout)
	}
	var proof json.RawMessage
	if err := c.call(ctx, http.MethodGet, path, nil, &proof); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdout, strings.TrimSpace(string(proof)))
	return err
}

// auditQuery is the query string of a mode and numbers; 0 is left out.
func auditQuery(mode string, numbers map[string]*int64) string {
	q := url.Values{}
	if mode != "" {
		q.Set("mode", mode)
	}
	for name, n := range numbers {
		if *n != 0 {
			q.Set(name, strconv.FormatInt(*n, 10))
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// stream copies an answer of any length; one that is cut off is an error.
func (c *client) stream(ctx context.Context, path string, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(c.base, "/")+path, nil)
	if err != nil {
		return errors.Wrap(err, "build a request")
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return errors.Wrapf(err, "the API can't be reached at %s", c.base)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= http.StatusBadRequest {
		text, err := io.ReadAll(io.LimitReader(answer.Body, clientBytesMax))
		if err != nil {
			return errors.Wrap(err, "read an answer")
		}
		return problemOf(answer.StatusCode, text)
	}
	_, err = io.Copy(w, answer.Body)
	return errors.Wrap(err, "the answer was cut off")
}
