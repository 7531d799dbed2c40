package invariants

import "tender/domain/method"

// methodNotes is what is noted of a saved method.
type methodNotes struct {
	mandates          once
	unusable, removed bool
}

func noteMethod(n *methodNotes, e *Event) {
	switch d := e.Said.(type) {
	case method.MandateAdded:
		n.mandates.add(d.MandateID)
	case method.MandateEnded:
		n.mandates.end(d.MandateID)
	case method.BecameUnusable:
		n.unusable = true
	case method.Verified:
		n.unusable = false
	case method.Removed:
		n.removed = true
	}
}

var methodRules = []rule[methodNotes]{
	when("method-mandates", "A mandate comes to a method once, and ends there once, after that.", func(n *methodNotes, e *Event) string {
		switch d := e.Said.(type) {
		case method.MandateAdded:
			return n.mandates.joins("mandate", d.MandateID)
		case method.MandateEnded:
			return n.mandates.leaves("mandate", d.MandateID)
		}
		return ""
	}),
	when("method-usable", "A method becomes unusable only while it is usable, and is verified while it is not.", func(n *methodNotes, e *Event) string {
		switch e.Said.(type) {
		case method.BecameUnusable:
			if n.unusable {
				return "it is unusable already"
			}
		case method.Verified:
			if !n.unusable {
				return "it is usable"
			}
		}
		return ""
	}),
	when("method-removed", "Nothing more happens to a method that was removed.", func(n *methodNotes, _ *Event) string {
		if n.removed {
			return "the method was removed"
		}
		return ""
	}),
}
