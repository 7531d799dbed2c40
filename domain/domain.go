// Package domain holds what every rule of payments shares: who acts, and how a
// rule says no. The aggregates live in the packages below it, one each.
//
// Nothing here or below reads a clock, draws a random number, does I/O or knows
// SQL or the public JSON: time and identifiers come in with each command.
package domain

import (
	"fmt"
	"time"
)

// ActorKind says what kind of party caused an event.
type ActorKind string

// The kinds of actors.
const (
	ActorMerchant ActorKind = "merchant" // a merchant's key; the id is the key's
	ActorCustomer ActorKind = "customer" // somebody at a checkout; the id is the checkout's session
	ActorStaff    ActorKind = "staff"    // a named person of the installation
	ActorAcquirer ActorKind = "acquirer" // an answer or notification from outside
	ActorSystem   ActorKind = "system"   // a worker, acting on time
)

// Actor is who or what caused an event.
type Actor struct {
	Kind ActorKind
	ID   string
}

// Code names a refusal for machines. The public codes, with the HTTP status of
// each, are listed in one table at the edge.
type Code string

// Refusal is a rule's no: a value, not a fault. It carries no stack and costs
// next to nothing, because a refusal is an everyday answer.
type Refusal struct {
	Code   Code
	Detail string // one sentence for people, to the letter where the contract quotes it
	Field  string // JSON pointer into the request, where one field is to blame
	// Transient says that the same command may be accepted a moment later, so
	// that the answer must not be remembered for the idempotency key.
	Transient bool
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Code, r.Detail) }

// Refuse returns a lasting refusal.
func Refuse(code Code, detail string) *Refusal { return &Refusal{Code: code, Detail: detail} }

// RefuseForNow returns a refusal that time alone may lift.
func RefuseForNow(code Code, detail string) *Refusal {
	return &Refusal{Code: code, Detail: detail, Transient: true}
}

// Moment is the time that a command is judged at. A rule about an object (an
// expiry, a schedule) reads At; a rule about a call to the outside reads Wall.
// They differ only for objects that live on a test clock.
type Moment struct {
	At   time.Time // by the object's clock
	Wall time.Time
}
