// Package webhooks tells merchants of events: it signs messages, sends them to
// endpoints, and says when to try again.
//
// What is sent is at-least-once, and the same bytes whenever it is sent. Where it
// is sent is a merchant's choice, and therefore never trusted: see package egress.
package webhooks
