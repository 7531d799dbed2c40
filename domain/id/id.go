// Package id formats and recognises the identifiers of Tender's objects: a
// prefix that names the kind and 26 letters and digits that hold a UUID.
//
// A UUIDv7 sorts by time, and so do the identifiers made from it. Drawing the
// UUID is not done here: it comes in with each command.
package id

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Prefix names the kind of an object in front of its identifier.
type Prefix string

// The kinds of objects.
const (
	Session  Prefix = "ps"
	Payment  Prefix = "pay"
	Capture  Prefix = "cap"
	Void     Prefix = "voi"
	Reversal Prefix = "rev"
	Checkout Prefix = "ckt"
	Attempt  Prefix = "att"
	Event    Prefix = "evt"
	Endpoint Prefix = "whe"
	Delivery Prefix = "whd"
	Recovery Prefix = "whr"
	Request  Prefix = "req"
	Merchant Prefix = "mer"
	Key      Prefix = "key"
	Staff    Prefix = "stf"
	Access   Prefix = "acc" // what a person of the staff looked at in a day

	Refund       Prefix = "ref"
	Resolution   Prefix = "res"
	Customer     Prefix = "cus"
	Method       Prefix = "pmt"
	Mandate      Prefix = "mdt"
	Subscription Prefix = "sub"
	Clock        Prefix = "clk"
	Logo         Prefix = "lgo"

	// ReadModel stands in front of a read model's name, not of a UUID.
	ReadModel Prefix = "prj"
)

// alphabet is Crockford's base 32 in lower case: no i, l, o or u, and in ASCII
// order, so that encoded values sort as their bytes do.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// bodyLength is the number of characters that hold 128 bits, five in each.
const bodyLength = 26

// Format returns the identifier of kind p that holds u, for example
// "pay_01hzy3v7q8e4xk2m9c5b7d6f0a". Identifiers of one kind sort as their UUIDs.
func Format(p Prefix, u uuid.UUID) string {
	var b strings.Builder
	b.Grow(len(p) + 1 + bodyLength)
	b.WriteString(string(p))
	b.WriteByte('_')
	// 130 bits in 26 groups: the two bits in front are zero.
	var acc uint32
	bits := 2
	for _, v := range u {
		acc = acc<<8 | uint32(v)
		bits += 8
		for bits >= 5 {
			bits -= 5
			b.WriteByte(alphabet[acc>>bits&31])
		}
	}
	return b.String()
}

// Parse returns the UUID in s, and whether s is an identifier of kind p.
func Parse(p Prefix, s string) (uuid.UUID, bool) {
	var u uuid.UUID
	body, found := strings.CutPrefix(s, string(p)+"_")
	if !found || len(body) != bodyLength || body[0] > '7' {
		return u, false
	}
	var acc uint32
	bits, n := -2, 0
	for i := range bodyLength {
		v := strings.IndexByte(alphabet, body[i])
		if v < 0 {
			return uuid.UUID{}, false
		}
		acc = acc<<5 | uint32(v)
		bits += 5
		if bits >= 8 {
			bits -= 8
			u[n] = byte(acc >> bits)
			n++
		}
	}
	return u, true
}

// Valid reports whether s is an identifier of kind p.
func Valid(p Prefix, s string) bool {
	_, ok := Parse(p, s)
	return ok
}

// kinds are those of all streams and of what they name.
var kinds = []Prefix{
	Session, Payment, Capture, Void, Reversal, Checkout, Attempt, Event, Endpoint, Delivery, Recovery, Request, Merchant, Key, Staff, Access,
	Refund, Resolution, Customer, Method, Mandate, Subscription, Clock, Logo, ReadModel,
}

// namedMax is how long what stands behind a prefix may be.
const namedMax = 64

// Names reports whether s may be the name of a stream: a prefix that there is, and lower
// case letters, digits and underscores.
func Names(s string) bool {
	prefix, body, _ := strings.Cut(s, "_")
	return slices.Contains(kinds, Prefix(prefix)) && body != "" && len(body) <= namedMax &&
		strings.Trim(body, "0123456789abcdefghijklmnopqrstuvwxyz_") == ""
}

// PrefixOf returns the part of s in front of the underscore, or "".
func PrefixOf(s string) Prefix {
	p, _, found := strings.Cut(s, "_")
	if !found {
		return ""
	}
	return Prefix(p)
}
