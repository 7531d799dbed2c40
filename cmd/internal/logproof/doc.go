// Package logproof verifies a log of Tender's: that its positions and versions are
// dense, that its chain of hashes and its Merkle tree hold, that the checkpoints
// signed over it are true, and that proofs prove what they say.
//
// It is written after docs/log-format.md and docs/proofs.md and shares no code with
// what writes the log: a mistake in there must not be repeated here. It imports the
// standard library and golang.org/x/mod only, so that whoever wants to trust it can
// read all of it. It reads a stream of events once and keeps, of all that it has
// read, some 40 bytes for each stream. It refuses to know what an event means.
package logproof
