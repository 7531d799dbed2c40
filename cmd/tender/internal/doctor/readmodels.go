package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"

	"tender/projections"
)

const (
	// lagWarn and lagFail are for how long a read model may be behind.
	lagWarn = time.Minute
	lagFail = 10 * time.Minute
	// pausedMax is for how long somebody means to have a read model stand.
	pausedMax = time.Hour
	// fillingMax is for how long a generation that is filled may show no progress.
	fillingMax = 5 * time.Minute
)

// unprepared reports that no process has ever made the read models.
func unprepared(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "42P01" || pgErr.Code == "42703")
}

// readModels looks at each generation's state and place.
func (p patient) readModels(ctx context.Context, c *chart) error {
	all, err := p.cursors.Statuses(ctx)
	if unprepared(err) {
		c.fail("There are no read models: no process has ever kept them.", err.Error(), "Start a process with the role projector: `tender serve --roles projector`.")
		return nil
	}
	if err != nil {
		return err
	}
	var served, retired int
	for _, s := range all {
		if s.Retired {
			retired++
			continue
		}
		if s.Serving {
			served++
			p.served(c, s)
			continue
		}
		p.made(c, s)
	}
	if !c.bad() {
		c.ok(fmt.Sprintf("%s move with the log.", counted(int64(served), "read model", "read models")), fmt.Sprintf("%s.projections; %s from before a rebuild are kept", p.log.ReadSchema(), counted(int64(retired), "generation", "generations")))
	}
	return nil
}

// served judges the generation that readers see.
func (p patient) served(c *chart, s projections.Status) {
	mode, seen := p.log.Mode, fmt.Sprintf("generation %d, at position %d, %s, since %s", s.Generation, s.Position, s.State, s.UpdatedAt.UTC().Format(time.RFC3339))
	since := time.Since(s.UpdatedAt)
	switch s.State {
	case projections.Stopped:
		c.fail(fmt.Sprintf("The read model %s has stopped: %s", s.Name, sentence(s.Error)), seen,
			fmt.Sprintf("Run a build that can apply the event, then `tender projections resume %[1]s --mode %[2]s`; if the database was put back to an earlier state, `tender rebuild %[1]s --mode %[2]s`.", s.Name, mode))
		return
	case projections.Paused:
		level := OK
		if since > pausedMax {
			level = Warn
		}
		c.add(level, fmt.Sprintf("The read model %s is paused since %s ago.", s.Name, since.Round(time.Second)), seen,
			fmt.Sprintf("When what it was paused for is done: `tender projections resume %s --mode %s`.", s.Name, mode))
		return
	default:
	}
	if s.Parked > 0 {
		c.fail(fmt.Sprintf("The read model %s has set %s aside: what they are about is shown as it was before.", s.Name, counted(s.Parked, "event", "events")), fmt.Sprintf("%s.parked_events; the last error: %s", p.log.ReadSchema(), s.Error),
			fmt.Sprintf("See what they are: `tender projections parked %[1]s --mode %[2]s`. With a build that can apply them, make the read model anew, `tender rebuild %[1]s --mode %[2]s`, or take up single ones with `tender projections retry`; where one can't be waited for, `tender projections skip` leaves it out, on the record.", s.Name, mode))
	}
	if s.Lag > 0 && s.LagTime > lagWarn {
		level := Warn
		if s.LagTime > lagFail {
			level = Fail
		}
		c.add(level, fmt.Sprintf("The read model %s is %s behind, since %s.", s.Name, counted(s.Lag, "event", "events"), s.LagTime.Round(time.Second)), seen+fmt.Sprintf(", %.0f events/s", s.Rate),
			"Start a process with the role projector, `tender serve --roles projector`; if one runs, its log says under `projection` why it fails.")
	}
}

// sentence ends a text as one.
func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// made judges a generation that is being made.
func (p patient) made(c *chart, s projections.Status) {
	again := fmt.Sprintf("Go on with it: `tender rebuild %s --mode %s`.", s.Name, p.log.Mode)
	seen := fmt.Sprintf("generation %d, %d of about %d events are folded, since %s", s.Generation, s.Done, s.Total, s.BeganAt.UTC().Format(time.RFC3339))
	switch {
	case s.State == projections.Interrupted:
		c.warn(fmt.Sprintf("A rebuild of %s was interrupted.", s.Name), seen, again)
	case s.State == projections.Stopped:
		c.fail(fmt.Sprintf("The new generation of %s has stopped: %s", s.Name, sentence(s.Error)), seen, "With a build that can apply the event: "+strings.ToLower(again[:1])+again[1:])
	case time.Since(s.UpdatedAt) > fillingMax && s.State == projections.Filling:
		c.warn(fmt.Sprintf("A rebuild of %s does not get on.", s.Name), seen, again)
	default:
		c.ok(fmt.Sprintf("A rebuild of %s is under way.", s.Name), seen)
	}
}

// definitions compares what is served with what this build would make.
func (p patient) definitions(ctx context.Context, c *chart) error {
	if p.ReadModels == nil {
		return nil
	}
	b, err := p.cursors.CompareBuilds(ctx, p.ReadModels(p.log.Mode)...)
	if err != nil {
		if unprepared(err) {
			return nil // that is said already
		}
		return err
	}
	if len(b.Missing) > 0 {
		c.fail("There are read models that this build has and nobody keeps.", strings.Join(b.Missing, ", "), "Start a process of this build with the role projector: `tender serve --roles projector`.")
	}
	if len(b.Other) > 0 {
		c.warn("What is served was made by another build than this one.", strings.Join(b.Other, ", "),
			fmt.Sprintf("During a release that passes by itself. Otherwise run `tender doctor` with the build that serves, or start this one; `tender projections list --mode %s` shows how far the new generations are.", p.log.Mode))
	}
	if !c.bad() {
		c.ok("The read models that are served are this build's.", p.log.ReadSchema()+".projections, by their definitions")
	}
	return nil
}
