package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tender/projections"
)

const (
	barWidth = 30
	// lineEvery is how often it is told of where no bar can be drawn.
	lineEvery = 2 * time.Second
)

// progress shows how a rebuild goes, or an audit: as a bar where people look on, and in lines
// elsewhere.
type progress struct {
	out   io.Writer
	bar   bool
	now   func() time.Time
	begun time.Time // of the phase
	first int64     // what was done then
	phase string
	said  time.Time
	drawn bool
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, now: time.Now}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.bar = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// phaseOf tells what is being done, and how much of what.
func phaseOf(s projections.Status) (phase string, done, total int64) {
	switch {
	case s.Serving:
		return "served", s.Position, s.Position
	case s.State == projections.Filling && s.Total > 0 && s.Done >= s.Total:
		return "making indexes", s.Done, s.Total
	case s.State == projections.Filling:
		return "filling", s.Done, s.Total
	}
	return "catching up", s.Position, s.Position + s.Lag
}

// saw takes in how a generation stands.
func (p *progress) saw(s projections.Status) {
	phase, done, total := phaseOf(s)
	if !s.Serving {
		p.show(fmt.Sprintf("%s: generation %d: ", s.Name, s.Generation), phase, done, total)
		return
	}
	p.phase = phase
	p.end()
	fmt.Fprintf(p.out, "%s: generation %d is served, at position %d, %s after it was begun\n",
		s.Name, s.Generation, s.Position, p.now().Sub(s.BeganAt).Round(100*time.Millisecond))
}

// show shows how far a phase is, of how many events.
func (p *progress) show(what, phase string, done, total int64) {
	now := p.now()
	changed := phase != p.phase
	if changed {
		p.phase, p.begun, p.first = phase, now, done
	}
	if !p.bar && !changed && now.Sub(p.said) < lineEvery {
		return
	}
	p.said = now
	share := 0.0
	if total > 0 {
		share = min(float64(done)/float64(total), 1)
	}
	text := what + phase
	if total > 0 {
		text += fmt.Sprintf(", %d of %d events (%.0f %%)%s", done, total, 100*share, p.pace(now, done, total))
	}
	if !p.bar {
		fmt.Fprintln(p.out, text)
		return
	}
	filled := int(share * barWidth)
	fmt.Fprintf(p.out, "\r[%s%s] %s\x1b[K", strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled), text)
	p.drawn = true
}

// pace says how fast it goes, and how long it will take at that; nothing as long as
// that can't be told.
func (p *progress) pace(now time.Time, done, total int64) string {
	passed := now.Sub(p.begun)
	if passed < time.Second || done <= p.first {
		return ""
	}
	rate := float64(done-p.first) / passed.Seconds()
	left := time.Duration(float64(max(total-done, 0)) / rate * float64(time.Second))
	return fmt.Sprintf(", %.0f/s, %s left", rate, left.Round(time.Second))
}

// end ends the line that a bar was drawn on.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprintln(p.out)
		p.drawn = false
	}
}
