package eventstore

import (
	"math"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
)

// Limits of one command.
const (
	commandEventsMax       = 256
	commandExpectationsMax = 256
	commandClaimsMax       = 64
	payloadBytesMax        = 256 << 10
	fingerprintsBytesMax   = 64 << 10
	nameBytesMax           = 512 // each of streams, types, keys, look-up keys, ids
	versionMax             = math.MaxInt32
)

// yearMin and yearMax bound every instant, so that whatever reads the log can
// write it as RFC 3339.
const (
	yearMin = 1970
	yearMax = 9999
)

// checkCommand refuses what breaks the rules of Command before it travels.
func checkCommand(c *Command) error {
	if c.ID == uuid.Nil {
		return errors.Wrap(ErrInvalidCommand, "no id")
	}
	if len(c.Events) > commandEventsMax || len(c.Expect) > commandExpectationsMax || len(c.Claims) > commandClaimsMax {
		return errors.Wrapf(ErrInvalidCommand, "%d events, %d expectations, %d claims", len(c.Events), len(c.Expect), len(c.Claims))
	}
	if err := checkNames(c.MerchantID, c.RequestID, string(c.Actor.Kind), c.Actor.ID); err != nil {
		return err
	}
	expected, err := checkExpectations(c.Expect)
	if err != nil {
		return err
	}
	if err := checkEvents(c.Events, expected); err != nil {
		return err
	}
	if err := checkClaims(c.Claims); err != nil {
		return err
	}
	return checkIdempotency(c)
}

func checkNames(names ...string) error {
	for _, name := range names {
		if len(name) > nameBytesMax {
			return errors.Wrapf(ErrInvalidCommand, "a name of %d bytes", len(name))
		}
	}
	return nil
}

func checkExpectations(expect []Expectation) (map[string]time.Time, error) {
	expected := make(map[string]time.Time, len(expect))
	for _, x := range expect {
		if _, twice := expected[x.Stream]; twice || x.Stream == "" || x.Version < 0 || x.Version > versionMax {
			return nil, errors.Wrapf(ErrInvalidCommand, "expectation of stream %q at version %d", x.Stream, x.Version)
		}
		if err := checkNames(x.Stream); err != nil {
			return nil, err
		}
		expected[x.Stream] = time.Time{}
	}
	return expected, nil
}

func checkEvents(events []NewEvent, last map[string]time.Time) error {
	for i := range events {
		e := &events[i]
		before, expected := last[e.Stream]
		switch {
		case !expected:
			return errors.Wrapf(ErrInvalidCommand, "event %d: stream %q stands in no expectation", i, e.Stream)
		case e.Type == "" || e.SchemaVersion < 1 || e.SchemaVersion > versionMax || e.ID == uuid.Nil:
			return errors.Wrapf(ErrInvalidCommand, "event %d: type %q, schema version %d, id %s", i, e.Type, e.SchemaVersion, e.ID)
		case !e.At.Equal(e.At.Truncate(time.Millisecond)) || e.At.Year() < yearMin || e.At.Year() > yearMax:
			return errors.Wrapf(ErrInvalidCommand, "event %d: at %s, which is not a whole millisecond of the years %d to %d", i, e.At, yearMin, yearMax)
		case !e.EffectiveAt.IsZero() && (e.EffectiveAt.Year() < yearMin || e.EffectiveAt.Year() > yearMax):
			return errors.Wrapf(ErrInvalidCommand, "event %d: effective at %s", i, e.EffectiveAt)
		case e.At.Before(before):
			return errors.Wrapf(ErrInvalidCommand, "event %d: at %s, before the one before it", i, e.At)
		case len(e.Payload) == 0 || len(e.Payload) > payloadBytesMax:
			return errors.Wrapf(ErrInvalidCommand, "event %d: a payload of %d bytes", i, len(e.Payload))
		}
		if err := checkNames(e.Type); err != nil {
			return err
		}
		last[e.Stream] = e.At
	}
	return nil
}

func checkClaims(claims []Claim) error {
	seen := make(map[claimKey]bool, len(claims))
	for _, k := range claims {
		key := claimKey{k.Kind, k.Value}
		if k.Kind == "" || k.Value == "" || k.Stream == "" || seen[key] {
			return errors.Wrapf(ErrInvalidCommand, "claim of kind %q for stream %q", k.Kind, k.Stream)
		}
		if err := checkNames(k.Kind, k.Value, k.Stream); err != nil {
			return err
		}
		seen[key] = true
	}
	return nil
}

func checkIdempotency(c *Command) error {
	if k := c.Key; k != nil {
		if k.Kind == "" || k.Key == "" || len(k.Fingerprints) == 0 || len(k.Fingerprints) > fingerprintsBytesMax {
			return errors.Wrapf(ErrInvalidCommand, "idempotency key of kind %q, %d bytes of fingerprints", k.Kind, len(k.Fingerprints))
		}
		if err := checkNames(k.Kind, k.Key, k.Stream); err != nil {
			return err
		}
	}
	if a := c.Answer; a != nil {
		if a.CommandID == uuid.Nil || a.Status < 100 || a.Status > 599 || a.Version < 0 || a.Version > versionMax || len(a.Refusal) > payloadBytesMax {
			return errors.Wrapf(ErrInvalidCommand, "answer %d to command %s", a.Status, a.CommandID)
		}
		return checkNames(a.Stream)
	}
	return nil
}

// commandSize is about how many bytes of c travel.
func commandSize(c *Command) int {
	size := 0
	for i := range c.Events {
		size += len(c.Events[i].Payload)
	}
	if c.Key != nil {
		size += len(c.Key.Fingerprints)
	}
	if c.Answer != nil {
		size += len(c.Answer.Refusal)
	}
	return size
}
