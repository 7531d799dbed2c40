// Package feed carries the log to those who follow it: a [Relay] publishes it to
// NATS JetStream, a [Reader] hands it out within a process.
//
// PostgreSQL is the truth, JetStream the way it travels, a cache that may be down,
// behind, wiped or lied to. The sequence of a message is the event's position,
// which makes each fault visible as a number that doesn't follow, and each repair
// a read of the log. docs/feed.md says what must hold and why this was chosen.
//
// The package doesn't know who reads, or what an event means.
package feed
