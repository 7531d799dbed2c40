// Package object holds what clients see: one fold per kind of object, from the
// events of its stream to its public form.
//
// The same fold serves a GET, a list, a first answer and its replays, and the
// body of a webhook, so that they can't say different things.
package object

import (
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/decline"
)

// Time is an instant as the API writes it: RFC 3339, UTC, milliseconds.
type Time time.Time

const timeLayout = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes the instant.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format(timeLayout) + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(b []byte) error {
	v, err := time.Parse(timeLayout, strings.Trim(string(b), `"`))
	if err != nil {
		return errors.Wrap(err, "read an object's time")
	}
	*t = Time(v)
	return nil
}

// timeOf returns t for a field that is left out when there is none.
func timeOf(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	o := Time(t)
	return &o
}

// PaymentError is why the last attempt failed.
type PaymentError struct {
	ErrorCode   decline.ErrorCode `json:"error_code"`
	DeclineCode decline.Code      `json:"decline_code,omitempty"`
	Message     string            `json:"message"`
	Timestamp   Time              `json:"timestamp"`
}
