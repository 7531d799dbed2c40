package problem

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/eventstore"
)

// From maps any error to the problem that the caller is shown. It is the only
// place that does. What it does not know is an internal_error without a word of
// what the error says; the caller of From logs the error itself.
func From(err error) Problem {
	var p Problem
	if errors.As(err, &p) {
		return p
	}
	if errs := fieldErrors(err); len(errs) > 0 {
		return New(InvalidRequest, counted(len(errs))).WithFieldErrors(errs...)
	}
	var broken *mandate.Violations
	if errors.As(err, &broken) {
		return fromViolations(broken)
	}
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		return fromRefusal(refusal)
	}
	return fromFault(err)
}

// fromRefusal maps a rule's no. A code without a row is a mistake in this
// program, and is not shown.
func fromRefusal(r *domain.Refusal) Problem {
	if _, ok := kinds[r.Code]; !ok {
		return New(InternalError, "")
	}
	p := New(r.Code, r.Detail)
	if r.Field != "" {
		p = p.WithFieldErrors(FieldError{Pointer: r.Field, Code: Invalid, Detail: r.Detail})
	}
	return p
}

// fromViolations names everything that a payment breaks of its mandate, and what
// remains allowed.
func fromViolations(v *mandate.Violations) Problem {
	var errs FieldErrors
	for _, b := range v.Broken {
		errs.Add(b.Pointer, b.Code, b.Detail)
	}
	return New(MandateViolation, "The mandate does not allow this payment; errors names every limit that it breaks.").
		WithFieldErrors(errs...).WithAmounts(v.Remaining.Amounts())
}

// fromFault maps what is nobody's answer: something failed, or took too long.
func fromFault(err error) Problem {
	var (
		tooLarge *http.MaxBytesError
		conflict *eventstore.VersionConflict
		taken    *eventstore.KeyTaken
		newer    *codec.NewerError
	)
	switch {
	case errors.As(err, &tooLarge):
		return New(PayloadTooLarge, fmt.Sprintf("The body is larger than %d bytes.", tooLarge.Limit))
	case errors.As(err, &conflict):
		return New(VersionConflict, "")
	case errors.As(err, &taken):
		return New(IdempotencyKeyInUse, "")
	case errors.As(err, &newer):
		return New(NewerThanThisBuild, "")
	case errors.Is(err, eventstore.ErrClosed), unavailable(err):
		return New(ServiceUnavailable, "")
	}
	return New(InternalError, "")
}

// unavailable reports whether err says that something we need does not answer
// now, so that the same request may succeed in a moment.
func unavailable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, puddle.ErrClosedPool) {
		return true
	}
	var netErr net.Error
	var connectErr *pgconn.ConnectError
	if errors.As(err, &netErr) || errors.As(err, &connectErr) || pgconn.SafeToRetry(err) {
		return true
	}
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	// 08 connection exception, 53 insufficient resources, 57P shutting down or
	// starting, 42P01 no such table: a read model that no projector has made yet.
	return pgErr.Code == "42P01" || strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "53") ||
		strings.HasPrefix(pgErr.Code, "57P")
}

// fieldErrors collects every field that err blames: a [FieldErrors] anywhere in
// it, and refusals whose code is a field's, also several that were joined.
func fieldErrors(err error) FieldErrors {
	switch e := err.(type) { //nolint:errorlint // the tree is walked by hand, to find all
	case nil:
		return nil
	case FieldErrors:
		return e
	case *domain.Refusal:
		if _, ok := fieldKinds[e.Code]; ok {
			return FieldErrors{{Pointer: e.Field, Code: e.Code, Detail: e.Detail}}
		}
		return nil
	case interface{ Unwrap() []error }:
		var all FieldErrors
		for _, inner := range e.Unwrap() {
			all = append(all, fieldErrors(inner)...)
		}
		return all
	case interface{ Unwrap() error }:
		return fieldErrors(e.Unwrap())
	}
	return nil
}

// counted says in a sentence how much is wrong.
func counted(n int) string {
	if n == 1 {
		return "One part of the request is invalid; errors says which."
	}
	return fmt.Sprintf("%d parts of the request are invalid; errors lists them all.", n)
}
