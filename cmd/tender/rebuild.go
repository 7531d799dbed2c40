package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
	"tender/eventstore/lease"
	"tender/projections"
)

// A rebuild has a lease of its own, so that two commands don't both think that it is
// theirs. Who was killed holds it for its life.
const (
	rebuildLease    = "rebuild"
	rebuildLeaseTTL = 3 * time.Second
	rebuildPatience = rebuildLeaseTTL + time.Second
)

// interruptTimeout bounds how long a command that was interrupted takes to say so in
// the database.
const interruptTimeout = 5 * time.Second

// rebuildGCPercent lets rubbish gather for longer than usual: most of what a rebuild has
// in memory is, and it never has much.
const rebuildGCPercent = 400

// rebuilder makes read models anew.
type rebuilder struct {
	stdout  io.Writer
	store   *eventstore.Store
	cursors *projections.Cursors
	runner  *projections.Runner
	leases  *lease.Leases
}

func newRebuilder(store *eventstore.Store, stdout io.Writer) (*rebuilder, error) {
	r := &rebuilder{
		stdout: stdout, store: store, cursors: projections.NewCursors(store), leases: lease.New(store.Pool(), store.Log()),
	}
	var err error
	r.runner, err = projections.NewRunner(store, nil, r.cursors, readModels(store.Log().Mode)...)
	return r, err
}

// runRebuild makes one read model anew, or all, one after the other; or it goes back to
// the generation that was served before.
func runRebuild(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("rebuild", stderr)
	all := fs.Bool("all", false, "all read models, one after the other")
	back := fs.String("rollback", "", "serve the generation of this read model again that was served before")
	mode := fs.String("mode", "test", "test or live")
	var database string
	name, rest := "", args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, rest = args[0], args[1:]
	}
	if err := parseSettings(fs, rest, []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	chosen := 0
	for _, is := range []bool{name != "", *all, *back != ""} {
		if is {
			chosen++
		}
	}
	if chosen != 1 {
		return usageError("tender: use tender rebuild NAME, tender rebuild --all, or tender rebuild --rollback NAME; tender projections lists the names")
	}
	debug.SetGCPercent(rebuildGCPercent)
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	r, err := newRebuilder(g.Store, stdout)
	switch {
	case err != nil:
		return err
	case *back != "":
		return r.rollback(ctx, *back)
	case name != "":
		return r.rebuild(ctx, name)
	}
	for _, p := range readModels(*mode) {
		if err := r.rebuild(ctx, p.Definition().Name); err != nil {
			return err
		}
	}
	return nil
}

// rebuild makes one read model anew.
func (r *rebuilder) rebuild(ctx context.Context, name string) error {
	shown := newProgress(r.stdout)
	err := r.leases.HoldSoon(ctx, rebuildLease, name, rebuildLeaseTTL, rebuildPatience, func(ctx context.Context) error {
		number, err := r.runner.Rebuild(ctx, name)
		if errors.Is(err, projections.ErrRebuilding) {
			fmt.Fprintf(r.stdout, "%s: generation %d is being made already; this follows it\n", name, number)
			err = nil
		}
		if err != nil {
			return err
		}
		return r.runner.Make(ctx, name, number, shown.saw)
	})
	shown.end()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, lease.ErrHeld):
		return errors.Newf("%s is being rebuilt by another command: one at a time", name)
	case ctx.Err() != nil:
		return r.interrupt(ctx, name)
	}
	return explain(name, err)
}

// interrupt leaves a rebuild as it is.
func (r *rebuilder) interrupt(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptTimeout)
	defer cancel()
	err := r.cursors.Interrupt(ctx, name)
	if errors.Is(err, projections.ErrNotRebuilding) {
		return errors.Newf("interrupted; %s was not being rebuilt then", name)
	}
	if err != nil {
		return err
	}
	return errors.Newf("interrupted; tender rebuild %s goes on from here", name)
}

// rollback serves the generation before. If nobody has fed it, that takes as long as
// what it lacks.
func (r *rebuilder) rollback(ctx context.Context, name string) error {
	for {
		number, err := r.runner.Rollback(ctx, name)
		if errors.Is(err, projections.ErrNotCaughtUp) && ctx.Err() == nil {
			fmt.Fprintf(r.stdout, "%s: generation %d is still behind: %v\n", name, number, errors.UnwrapAll(err))
			continue
		}
		if err != nil {
			return explain(name, err)
		}
		fmt.Fprintf(r.stdout, "%s: generation %d is served again\n", name, number)
		return nil
	}
}

// explain says what to do about a refusal.
func explain(name string, err error) error {
	switch {
	case errors.Is(err, projections.ErrUnknown):
		return errors.Newf("there is no read model %q; tender projections lists them", name)
	case errors.Is(err, projections.ErrPaused):
		return errors.Newf("%s is paused: tender projections resume %s first", name, name)
	case errors.Is(err, projections.ErrNoPrevious):
		return errors.Newf("%s has no earlier generation to go back to: the next rebuild keeps one", name)
	case errors.Is(err, projections.ErrOtherBuild):
		return errors.Newf("another build is making a generation of %s by its own definition: use that build", name)
	}
	return err
}
