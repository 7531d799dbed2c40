// Package seal makes the log provable: every second or so a [Sealer] adds what is new
// to a Merkle tree (RFC 6962) and signs a checkpoint over it, which leaves the
// database's reach through [Outlet]s; [Proofs] makes the proofs that an event is in
// the log and that a later log begins with an earlier one. docs/proofs.md says what
// must hold, and who is trusted with what.
//
// The package doesn't know what an event means, and doesn't verify a whole log: it
// looks at what it seals and at the seam. Verifying is the work of code that shares
// nothing with this one.
package seal
