package lease

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
)

// renewals is how many times a lease is renewed within its life, so that one
// failed renewal doesn't lose it.
const renewals = 3

// releaseTimeout bounds the release of a lease after its holder's context ended.
const releaseTimeout = 2 * time.Second

// ErrLost is the cause of a held function's context when the lease could not be
// renewed in time.
var ErrLost = errors.New("the lease was lost")

// ErrHeld says that somebody else holds a lease.
var ErrHeld = errors.New("another holds the lease")

// Hold waits until it holds the lease on (kind, id) and then runs f, renewing the
// lease all the while. If the lease is lost, f's context is cancelled before
// another can take the lease, with the cause [ErrLost]; Hold waits for f to
// return and then for the lease again. If f returns by itself, the lease is given
// back and Hold returns f's error. When ctx ends, Hold returns its error.
//
// A lease whose holder died without giving it back is free after ttl, at least a
// few seconds; waiters look every third of it.
func (l *Leases) Hold(ctx context.Context, kind, id string, ttl time.Duration, f func(ctx context.Context) error) error {
	owner := ownerName()
	wait := time.NewTicker(ttl / renewals)
	defer wait.Stop()
	for {
		asked := time.Now()
		held, err := l.Take(ctx, kind, id, owner, ttl)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "lease can't be taken", "kind", kind, "id", id, "error", err.Error())
		}
		if held {
			err := l.run(ctx, kind, id, owner, asked, ttl, f)
			if !errors.Is(err, ErrLost) {
				return err
			}
			slog.WarnContext(ctx, "lease lost", "kind", kind, "id", id)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
		}
	}
}

// ended is what a held function returned.
type ended struct{ err error }

// run runs f under a lease that was asked for at asked. Its error is ErrLost if
// the lease was lost before f returned by itself.
func (l *Leases) run(ctx context.Context, kind, id, owner string, asked time.Time, ttl time.Duration, f func(context.Context) error) error {
	fctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan ended, 1)
	go func() { done <- ended{f(fctx)} }()

	tick := time.NewTicker(ttl / renewals)
	defer tick.Stop()
	for {
		// The lease lasts until asked+ttl at least; f must have stopped by then.
		// A sixth of its life is left to f for that.
		expiry := time.NewTimer(time.Until(asked.Add(ttl - ttl/(2*renewals))))
		select {
		case end := <-done:
			expiry.Stop()
			l.giveBack(ctx, kind, id, owner)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return end.err
		case <-expiry.C:
			cancel(ErrLost)
			<-done // its error says no more than that the lease was lost
			return ErrLost
		case <-tick.C:
			expiry.Stop()
			next, kept := l.keep(ctx, kind, id, owner, asked, ttl)
			if !kept {
				cancel(ErrLost)
				<-done
				return ErrLost
			}
			asked = next
		}
	}
}

// HoldSoon is [Leases.Hold] for who won't wait: it runs f once, and is [ErrHeld] if it
// doesn't get the lease within patience, or [ErrLost] if it loses it. A patience of ttl
// outlasts a holder that died.
func (l *Leases) HoldSoon(ctx context.Context, kind, id string, ttl, patience time.Duration, f func(ctx context.Context) error) error {
	owner := ownerName()
	until := time.Now().Add(patience)
	for {
		asked := time.Now()
		held, err := l.Take(ctx, kind, id, owner, ttl)
		switch {
		case err != nil:
			return err
		case held:
			return l.run(ctx, kind, id, owner, asked, ttl, f)
		case asked.After(until):
			return errors.Wrapf(ErrHeld, "%s/%s", kind, id)
		}
		wait := time.NewTimer(ttl / renewals)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
}

// keep renews a lease, and returns from when on it lasts and whether it is still
// held. A renewal that PostgreSQL doesn't answer leaves the lease as it was.
func (l *Leases) keep(ctx context.Context, kind, id, owner string, asked time.Time, ttl time.Duration) (time.Time, bool) {
	now := time.Now()
	ctx, cancel := context.WithTimeout(ctx, ttl/renewals)
	defer cancel()
	held, err := l.Renew(ctx, kind, id, owner, ttl)
	if err != nil {
		return asked, true
	}
	return now, held
}

// giveBack releases a lease even though the holder's context may have ended. It
// is a courtesy to the next holder: the lease expires anyhow.
func (l *Leases) giveBack(ctx context.Context, kind, id, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if _, err := l.Release(ctx, kind, id, owner); err != nil {
		slog.WarnContext(ctx, "lease not given back", "kind", kind, "id", id, "error", err.Error())
	}
}

// ownerName returns a name that no other holder uses and that tells people where
// to look.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), uuid.NewString())
}
