package invariants

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/logo"
	"tender/domain/merchant"
	"tender/domain/readmodel"
	"tender/domain/staff"
)

// merchantNotes is what is noted of a merchant.
type merchantNotes struct {
	keys, endpoints once
	slowed          bool
}

func noteMerchant(n *merchantNotes, e *Event) {
	switch d := e.Said.(type) {
	case merchant.KeyIssued:
		n.keys.add(d.KeyID)
	case merchant.KeyRevoked:
		n.keys.end(d.KeyID)
	case merchant.EndpointAdded:
		n.endpoints.add(d.EndpointID)
	case merchant.EndpointRemoved:
		n.endpoints.end(d.EndpointID)
	case merchant.Slowed:
		n.slowed = true
	case merchant.Released:
		n.slowed = false
	}
}

var merchantRules = []rule[merchantNotes]{
	when("merchant-keys", "A key of a merchant's is issued once, and revoked once, after that.", func(n *merchantNotes, e *Event) string {
		switch d := e.Said.(type) {
		case merchant.KeyIssued:
			return n.keys.joins("key", d.KeyID)
		case merchant.KeyRevoked:
			return n.keys.leaves("key", d.KeyID)
		}
		return ""
	}),
	when("merchant-endpoints", "An endpoint comes to a merchant once, and goes once, after that.", func(n *merchantNotes, e *Event) string {
		switch d := e.Said.(type) {
		case merchant.EndpointAdded:
			return n.endpoints.joins("endpoint", d.EndpointID)
		case merchant.EndpointRemoved:
			return n.endpoints.leaves("endpoint", d.EndpointID)
		}
		return ""
	}),
	when("merchant-slowed", "A merchant is slowed after more failures than successes, only while they are not, and released while they are.", func(n *merchantNotes, e *Event) string {
		switch d := e.Said.(type) {
		case merchant.Slowed:
			if n.slowed || 2*d.Failed <= d.Attempts || d.Failed > d.Attempts {
				return fmt.Sprintf("%d of %d attempts have failed, and they are slowed already: %t", d.Failed, d.Attempts, n.slowed)
			}
		case merchant.Released:
			if !n.slowed || 2*d.Failed > d.Attempts {
				return fmt.Sprintf("%d of %d attempts have failed, and they are slowed: %t", d.Failed, d.Attempts, n.slowed)
			}
		}
		return ""
	}),
}

// staffNotes is what is noted of a member of the staff.
type staffNotes struct{ keys once }

func noteStaff(n *staffNotes, e *Event) {
	switch d := e.Said.(type) {
	case staff.KeyIssued:
		n.keys.add(d.KeyID)
	case staff.KeyRevoked:
		n.keys.end(d.KeyID)
	}
}

var staffRules = []rule[staffNotes]{
	when("staff-keys", "A key of the staff's is issued once, and revoked once, after that.", func(n *staffNotes, e *Event) string {
		switch d := e.Said.(type) {
		case staff.KeyIssued:
			return n.keys.joins("key", d.KeyID)
		case staff.KeyRevoked:
			return n.keys.leaves("key", d.KeyID)
		}
		return ""
	}),
}

// accessNotes is what is noted of what somebody of the staff looked at in a day.
type accessNotes struct{}

func noteAccess(*accessNotes, *Event) {}

var accessRules = []rule[accessNotes]{
	when("access-record", "What somebody of the staff looked at is recorded in the stream of that person and that day.", func(_ *accessNotes, e *Event) string {
		person := strings.TrimPrefix(e.Actor.ID, string(id.Staff))
		for _, at := range []time.Time{e.At, e.At.Add(-skewMax)} {
			if e.Actor.Kind == domain.ActorStaff && e.Stream == fmt.Sprintf("%s%s_%s", id.Access, person, at.UTC().Format("20060102")) {
				return ""
			}
		}
		return fmt.Sprintf("it is by the %s %q, at %s", e.Actor.Kind, e.Actor.ID, instant(e.At))
	}),
}

// logoNotes is what is noted of a stored picture.
type logoNotes struct{}

func noteLogo(*logoNotes, *Event) {}

var logoRules = []rule[logoNotes]{
	when("logo-id", "The id of a picture is a hash of its merchant and its bytes.", func(_ *logoNotes, e *Event) string {
		d, ok := e.Said.(logo.Stored)
		if !ok {
			return ""
		}
		h := sha256.New()
		h.Write([]byte(e.MerchantID + "\n"))
		h.Write(d.PNG)
		if want := id.Format(id.Logo, uuid.UUID(h.Sum(nil)[:16])); want != e.Stream {
			return "the picture is that of " + want
		}
		return ""
	}),
}

// readModelNotes is what is noted of the decisions about a read model.
type readModelNotes struct{ skipped map[int64]string }

func noteReadModel(n *readModelNotes, e *Event) {
	switch d := e.Said.(type) {
	case readmodel.EventSkipped:
		if n.skipped == nil {
			n.skipped = map[int64]string{}
		}
		n.skipped[d.Position] = d.Stream
	case readmodel.EventRestored:
		delete(n.skipped, d.Position)
	}
}

var readModelRules = []rule[readModelNotes]{
	when("read-model-decisions", "An event is left out of a read model after it was appended, by a person, with a reason, while it is taken in; and taken in again while it is left out.", func(n *readModelNotes, e *Event) string {
		var position int64
		var reason string
		left, restores := false, false
		switch d := e.Said.(type) {
		case readmodel.EventSkipped:
			position, reason = d.Position, d.Reason
			_, left = n.skipped[d.Position]
		case readmodel.EventRestored:
			position, reason, restores = d.Position, d.Reason, true
			stream, is := n.skipped[d.Position]
			left = !is || stream != d.Stream
		default:
			return ""
		}
		switch {
		case position < 1 || position >= e.Position:
			return fmt.Sprintf("it is about position %d", position)
		case left && restores:
			return fmt.Sprintf("position %d is not left out", position)
		case left:
			return fmt.Sprintf("position %d is left out already", position)
		case reason == "" || e.Actor.Kind != domain.ActorStaff:
			return "nobody says why"
		}
		return ""
	}),
}
