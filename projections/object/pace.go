package object

import (
	"tender/domain/codec"
	"tender/domain/merchant"
	"tender/eventstore"
)

// Pace is how fast a merchant's customers may try to pay.
type Pace struct {
	MerchantID string     `json:"merchant_id"`
	Status     PaceStatus `json:"status"`
	// While it is slowed: how many attempts a minute are let through, since when, and
	// until when at least.
	AttemptsPerMinute int   `json:"attempts_per_minute,omitempty"`
	SlowedAt          *Time `json:"slowed_at,omitempty"`
	SlowedUntil       *Time `json:"slowed_until,omitempty"`
	// The attempts that were judged when the pace was changed last.
	Attempts       int    `json:"attempts"`
	FailedAttempts int    `json:"failed_attempts"`
	Mode           string `json:"mode"`
	Version        int    `json:"version"`
	CreatedAt      Time   `json:"created_at"`
	UpdatedAt      Time   `json:"updated_at"`
}

// PaceStatus says whether a merchant is slowed.
type PaceStatus string

// The paces of a merchant.
const (
	PaceNormal PaceStatus = "normal"
	PaceSlowed PaceStatus = "slowed"
)

// Apply returns the pace after one more event of its merchant's stream. The version
// counts all of them, also those that leave the pace as it is.
func (o Pace) Apply(mode string, e eventstore.Event, d codec.Named) Pace {
	switch d := d.(type) {
	case merchant.Created:
		o = Pace{MerchantID: e.Stream, Status: PaceNormal, Mode: mode, CreatedAt: Time(e.At), UpdatedAt: Time(e.At)}
	case merchant.Slowed:
		at, until := Time(d.SlowedAt), Time(d.SlowedUntil)
		o.Status, o.AttemptsPerMinute, o.SlowedAt, o.SlowedUntil = PaceSlowed, d.PerMinute, &at, &until
		o.Attempts, o.FailedAttempts, o.UpdatedAt = d.Attempts, d.Failed, Time(e.At)
	case merchant.Released:
		o.Status, o.AttemptsPerMinute, o.SlowedAt, o.SlowedUntil = PaceNormal, 0, nil, nil
		o.Attempts, o.FailedAttempts, o.UpdatedAt = d.Attempts, d.Failed, Time(e.At)
	}
	o.Version = e.Version
	return o
}
