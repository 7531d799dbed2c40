// Package projections keeps the read models: tables that are a pure fold of the
// log and can be thrown away and made again.
//
// A [Projection] says what rows a batch of events makes; the [Runner] owns
// everything else: batches, transactions, the cursor, retries, what to do about an
// event that can't be applied, and generations. [Cursors] tells everybody how far
// each read model has come. docs/feed.md says what must hold.
//
// Nothing here calls anybody, sends anything or decides: what a read model says is
// a hint to whoever acts on it.
package projections
