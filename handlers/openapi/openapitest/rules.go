package openapitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tender/domain"
	"tender/handlers/openapi/openapitest/document"
	"tender/handlers/problem"
)

// problemDocument is as much of a problem as the rules look at.
type problemDocument struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Instance  string            `json:"instance"`
	Code      domain.Code       `json:"code"`
	RequestID string            `json:"request_id"`
	Retryable bool              `json:"retryable"`
	Errors    []json.RawMessage `json:"errors"`
}

// checkProblem compares a problem with the table of problems and with the
// answer that carries it.
func checkProblem(x exchange) []string {
	var complaints []string
	say := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	var p problemDocument
	if err := json.Unmarshal(x.body, &p); err != nil {
		return []string{"the problem can't be read: " + err.Error()}
	}
	kind, known := problem.KindOf(p.Code)
	if !known {
		return []string{fmt.Sprintf("the problem's code %q is not in the table", p.Code)}
	}
	if kind.Status != x.status || p.Status != x.status {
		say("%s belongs to status %d; the body says %d", p.Code, kind.Status, p.Status)
	}
	if p.Title != kind.Title || p.Retryable != kind.Retryable {
		say("title and retryable of %s are %q and %t in the table", p.Code, kind.Title, kind.Retryable)
	}
	if !strings.HasSuffix(p.Type, kind.Type("")) || !strings.HasPrefix(p.Type, "http") {
		say("type is %q, and should be the server's own URL with %s", p.Type, kind.Type(""))
	}
	if p.Instance != x.request.URL.EscapedPath() {
		say("instance is %q, not the path", p.Instance)
	}
	if p.RequestID == "" || p.RequestID != x.header.Get("Request-Id") {
		say("request_id is %q, the header Request-Id %q", p.RequestID, x.header.Get("Request-Id"))
	}
	if (kind.RetryAfter > 0) != (x.header.Get("Retry-After") != "") {
		say("Retry-After is %q; the table says %s for %s", x.header.Get("Retry-After"), kind.RetryAfter, p.Code)
	}
	if x.status == http.StatusBadRequest && len(p.Errors) == 0 {
		say("a 400 must list errors")
	}
	return complaints
}

// specific are the statuses whose problems each operation lists by name.
var specific = []int{http.StatusPaymentRequired, http.StatusConflict, http.StatusUnprocessableEntity}

// checkNamed holds an operation to the problems that it lists in x-problems.
func checkNamed(x exchange, op *document.Operation) []string {
	if !slices.Contains(specific, x.status) {
		return nil
	}
	var p problemDocument
	if err := json.Unmarshal(x.body, &p); err != nil {
		return nil // checkProblem says so
	}
	if slices.Contains(op.Listed("x-problems"), string(p.Code)) {
		return nil
	}
	return []string{fmt.Sprintf("the operation does not list %s in x-problems", p.Code)}
}

// checkSums looks for payments and lists anywhere in a body. A payment's sums
// must add up; a list has a next cursor exactly if there is more.
func checkSums(body []byte) []string {
	v, err := decode(body)
	if err != nil {
		return []string{"the body can't be read: " + err.Error()}
	}
	return checkValue(v, "$")
}

func checkValue(v any, place string) []string {
	var complaints []string
	switch v := v.(type) {
	case []any:
		for i, inner := range v {
			complaints = append(complaints, checkValue(inner, fmt.Sprintf("%s[%d]", place, i))...)
		}
	case map[string]any:
		for name, inner := range v {
			complaints = append(complaints, checkValue(inner, place+"."+name)...)
		}
		if sum, ok := paymentSums(v); ok && sum != 0 {
			complaints = append(complaints, fmt.Sprintf(
				"%s: authorised_amount is %d more than paid + voided + expired + pending + capturable", place, sum))
		}
		if sum, ok := refundSums(v); ok && sum != 0 {
			complaints = append(complaints, fmt.Sprintf(
				"%s: paid_amount is %d more than refunded + refundable + refunds pending", place, sum))
		}
		if more, ok := v["has_more"].(bool); ok {
			if _, cursor := v["next_cursor"]; cursor != more {
				complaints = append(complaints, fmt.Sprintf("%s: has_more is %t, next_cursor is there: %t", place, more, cursor))
			}
		}
	}
	return complaints
}

// paymentSums returns what is authorised less all that became of it.
func paymentSums(object map[string]any) (difference int64, ok bool) {
	authorised, ok := amount(object, "authorised_amount")
	if !ok || object["capturable_amount"] == nil {
		return 0, false
	}
	for _, name := range []string{"paid_amount", "voided_amount", "expired_amount", "pending_amount", "capturable_amount"} {
		part, _ := amount(object, name)
		authorised -= part
	}
	return authorised, true
}

// refundSums returns what is paid less all that became of it.
func refundSums(object map[string]any) (difference int64, ok bool) {
	paid, ok := amount(object, "paid_amount")
	refunds, listed := object["refunds"].([]any)
	if !ok || !listed {
		return 0, false
	}
	for _, name := range []string{"refunded_amount", "refundable_amount"} {
		part, _ := amount(object, name)
		paid -= part
	}
	for _, r := range refunds {
		if r, ok := r.(map[string]any); ok && r["status"] == "pending" {
			pending, _ := amount(r, "amount")
			paid -= pending
		}
	}
	return paid, true
}

func amount(object map[string]any, name string) (int64, bool) {
	n, ok := object[name].(json.Number)
	if !ok {
		return 0, false
	}
	value, err := n.Int64()
	return value, err == nil
}
