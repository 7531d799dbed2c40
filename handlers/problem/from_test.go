package problem_test

import (
	"context"
	stderrors "errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"tender/domain"
	"tender/domain/codec"
	"tender/eventstore"
	"tender/handlers/problem"
)

// secret stands for what an error says inside and no caller may read.
const secret = "relation events at 10.0.0.7"

func TestFrom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want domain.Code
		// fields are the errors' "pointer code", in order.
		fields []string
	}{
		{"a refusal", domain.Refuse("void_not_allowed", "No."), problem.VoidNotAllowed, nil},
		{"a wrapped refusal", errors.Wrap(domain.RefuseForNow("operation_in_progress", "Wait."), secret), problem.OperationInProgress, nil},
		{"a refusal without a row", domain.Refuse("no_such_code", secret), problem.InternalError, nil},
		{
			"a refusal that blames a field", &domain.Refusal{Code: "invalid_request", Detail: "No.", Field: "/amount"},
			problem.InvalidRequest, []string{"/amount invalid"},
		},
		{
			"a refusal with a field's code", &domain.Refusal{Code: problem.TooSmall, Detail: "More.", Field: "/amount"},
			problem.InvalidRequest, []string{"/amount too_small"},
		},
		{
			"several of them", stderrors.Join(
				&domain.Refusal{Code: problem.TooSmall, Detail: "More.", Field: "/amount"},
				errors.Wrap(&domain.Refusal{Code: problem.UnknownCurrency, Detail: "None.", Field: "/currency"}, secret)),
			problem.InvalidRequest, []string{"/amount too_small", "/currency unknown_currency"},
		},
		{
			"field errors", errors.Wrap(problem.FieldErrors{
				{Pointer: "/url", Code: problem.Required, Detail: "Needed."},
				{Header: "Accept", Code: problem.NotAnOption, Detail: "No."},
				{Parameter: "limit", Code: problem.TooLarge, Detail: "Less."},
			}, secret),
			problem.InvalidRequest, []string{"/url required", "header Accept not_an_option", "parameter limit too_large"},
		},
		{"a problem", fmt.Errorf("%s: %w", secret, problem.New(problem.NotFound, "There is no such payment.")), problem.NotFound, nil},
		{"a large body", errors.Wrap(&http.MaxBytesError{Limit: 65536}, secret), problem.PayloadTooLarge, nil},
		{"an outlived conflict", errors.Wrap(&eventstore.VersionConflict{Stream: secret, Expected: 3, Actual: 4}, secret), problem.VersionConflict, nil},
		{"a taken key", &eventstore.KeyTaken{}, problem.IdempotencyKeyInUse, nil},
		{"a taken claim", &eventstore.ClaimTaken{Claim: eventstore.Claim{Kind: secret}}, problem.InternalError, nil},
		{"a newer event", errors.Wrap(&codec.NewerError{Type: secret, SchemaVersion: 9}, secret), problem.NewerThanThisBuild, nil},
		{"out of time", errors.Wrap(context.DeadlineExceeded, secret), problem.ServiceUnavailable, nil},
		{"given up", context.Canceled, problem.ServiceUnavailable, nil},
		{"the log is closed", errors.Wrap(eventstore.ErrClosed, secret), problem.ServiceUnavailable, nil},
		{"the connections are closed", errors.Wrap(puddle.ErrClosedPool, secret), problem.ServiceUnavailable, nil},
		{"poison", errors.Wrap(eventstore.ErrRefusedByDatabase, secret), problem.InternalError, nil},
		{"no network", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", stderrors.New(secret))}, problem.ServiceUnavailable, nil},
		{"the database shuts down", errors.Wrap(&pgconn.PgError{Code: "57P01", Message: secret}, secret), problem.ServiceUnavailable, nil},
		{"the database is full of callers", &pgconn.PgError{Code: "53300", Message: secret}, problem.ServiceUnavailable, nil},
		{"a read model that is not there yet", &pgconn.PgError{Code: "42P01", Message: secret}, problem.ServiceUnavailable, nil},
		{"a wrong statement", &pgconn.PgError{Code: "42703", Message: secret}, problem.InternalError, nil},
		{"anything else", errors.New(secret), problem.InternalError, nil},
		{"an empty list of field errors", problem.FieldErrors{}, problem.InternalError, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := problem.From(tt.err)
			if p.Code != tt.want {
				t.Fatalf("it is %s, not %s", p.Code, tt.want)
			}
			var fields []string
			for _, f := range p.Errors {
				fields = append(fields, f.Place()+" "+string(f.Code))
			}
			if strings.Join(fields, ", ") != strings.Join(tt.fields, ", ") {
				t.Errorf("the fields are %q, not %q", fields, tt.fields)
			}
			if shown := toText(t, write(t, p)); strings.Contains(shown, secret) {
				t.Errorf("the caller gets to read %s", shown)
			}
		})
	}
}

// The contract quotes these sentences, and the status is theirs.
func TestRefusalsOfCapturesAndVoidsAreTold(t *testing.T) {
	t.Parallel()
	for code, detail := range map[domain.Code]string{
		"capture_not_allowed":     "The payment is not in an authorised state and cannot be captured.",
		"authorisation_expired":   "The authorisation has expired and can no longer be captured.",
		"capture_amount_too_high": "The capture amount exceeds the remaining authorised amount.",
		"void_not_allowed":        "The payment is not in an authorised state and cannot be voided.",
		"already_voided":          "The payment has already been fully voided.",
		"nothing_to_void":         "There is no remaining authorised amount to void.",
	} {
		body := write(t, problem.From(domain.Refuse(code, detail)))
		if body["status"] != 409.0 || body["detail"] != detail || body["code"] != string(code) || body["retryable"] != false {
			t.Errorf("%s is told as %v", code, body)
		}
	}
}

func TestFieldErrorsErr(t *testing.T) {
	t.Parallel()
	var errs problem.FieldErrors
	if errs.Err() != nil {
		t.Error("no field errors are an error")
	}
	errs.Add("/amount", problem.Required, "Needed.")
	errs.AddHeader("Accept", problem.NotAnOption, "No.")
	errs.AddParameter("limit", problem.TooLarge, "Less.")
	want := "invalid request: /amount: required, header Accept: not_an_option, parameter limit: too_large"
	if err := errs.Err(); err == nil || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
}
