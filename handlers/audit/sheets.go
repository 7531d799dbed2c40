package audit

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tender/handlers/problem"
	desk "tender/handlers/staff"
	"tender/projections"
)

// sheet is rows in an order that never changes: what a page, a file and its manifest
// are made of. Its range is pinned, so that it gives the same rows whenever it is gone
// through.
type sheet struct {
	// query names the rows again, pinned.
	query url.Values
	// position is the last of the log that was looked at.
	position int64
	columns  []string
	// each calls yield with each row behind a place until yield wants no more, and says
	// how far it has come, and whether that is the end. A search that finds little ends
	// after scanMax events, where that is not 0.
	each func(ctx context.Context, behind projections.JournalPlace, scanMax int, yield yield) (reached projections.JournalPlace, whole bool, err error)
	// document writes the sheet as one JSON document; nil: it is read by pages.
	document func(ctx context.Context, e *encoder) error
	scope    scope
}

// scope says in a page, a manifest and a statement what the rows are.
type scope struct {
	Mode      string            `json:"mode"`
	Merchants []string          `json:"merchants,omitempty"`
	Basis     projections.Basis `json:"basis,omitempty"`
	// From and To are positions; the effective times are those of the effective basis.
	From            int64  `json:"from"`
	To              int64  `json:"to"`
	EffectiveFrom   string `json:"effective_from,omitempty"`
	EffectiveBefore string `json:"effective_before,omitempty"`
	TimeZone        string `json:"time_zone,omitempty"`
}

type yield func(row) (more bool, err error)

// opener resolves what a request asked for, once all of its parameters are known to be
// good.
type opener func(ctx context.Context, r *desk.Request, m *mode) (*sheet, error)

// sheets are all that there are, by the last part of their path. Each reads its
// parameters.
var sheets = map[string]func(r *desk.Request) opener{
	"events":    readEvents,
	"journal":   readJournal,
	"statement": readStatement,
}

// scanMax is how many events a page looks through, so that an answer comes soon, if
// only to say that nothing was found yet.
const scanMax = 20_000

// page is a page of a sheet on the wire.
type page struct {
	scope
	Data       []any  `json:"data"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// show answers with a sheet in the format that is asked for.
func (a *Audit) show(read func(*desk.Request) opener) handler {
	return func(w http.ResponseWriter, r *desk.Request, m *mode) error {
		format := r.Query.Option("format", []string{formatJSON, formatCSV, formatLines})
		paged := format == "" || format == formatJSON
		var limit int
		var behind projections.JournalPlace
		if paged {
			limit, behind = r.Query.Limit(), readCursor(r)
		}
		s, err := open(r, m, read)
		if err != nil {
			return err
		}
		switch {
		case !paged:
			return s.export(w, r, format)
		case s.document != nil:
			return s.write(w, r, "application/json", s.document)
		}
		p := page{scope: s.scope, Data: []any{}}
		reached, whole, err := s.each(r.Context(), behind, scanMax, func(found row) (bool, error) {
			p.Data = append(p.Data, found.object)
			return len(p.Data) < limit, nil
		})
		if err != nil {
			return err
		}
		if p.HasMore = !whole; p.HasMore {
			p.NextCursor = cursorText(reached)
		}
		return desk.JSON(w, http.StatusOK, p)
	}
}

// open reads what is asked for, refuses what is wrong with it, and resolves it.
func open(r *desk.Request, m *mode, read func(*desk.Request) opener) (*sheet, error) {
	resolve := read(r)
	if err := r.Done(); err != nil {
		return nil, err
	}
	return resolve(r.Context(), r, m)
}

// cursorText writes a place: staff may see positions.
func cursorText(p projections.JournalPlace) string {
	var micros int64
	if !p.Effective.IsZero() {
		micros = p.Effective.UnixMicro()
	}
	return fmt.Sprintf("%d.%d.%d", p.Position, p.Line, micros)
}

func readCursor(r *desk.Request) projections.JournalPlace {
	raw := r.Query.Text("cursor")
	if raw == "" {
		return projections.JournalPlace{}
	}
	var p projections.JournalPlace
	var micros int64
	if n, err := fmt.Sscanf(raw, "%d.%d.%d", &p.Position, &p.Line, &micros); n != 3 || err != nil || p.Position < 0 || p.Line < 0 {
		r.Query.Wrong("cursor", problem.InvalidToken, "This is no cursor of a page.")
		return p
	}
	if micros != 0 {
		p.Effective = time.UnixMicro(micros).UTC()
	}
	if cursorText(p) != raw {
		r.Query.Wrong("cursor", problem.InvalidToken, "This is no cursor of a page.")
	}
	return p
}

// writeTimeout is how long a reader may take for one piece of a file.
const writeTimeout = time.Minute

// patient lets an answer take as long as it has rows, as long as its reader takes them.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	// A writer without deadlines has none that could be missed.
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	return p.ResponseWriter.Write(b)
}

// write answers with what a function encodes, piece by piece.
func (s *sheet) write(w http.ResponseWriter, r *desk.Request, contentType string, body func(context.Context, *encoder) error) error {
	w.Header().Set("Content-Type", contentType)
	e := &encoder{w: patient{w, http.NewResponseController(w)}}
	if err := body(r.Context(), e); err != nil {
		return err
	}
	return e.flush()
}

// export answers with the whole sheet as a file.
func (s *sheet) export(w http.ResponseWriter, r *desk.Request, format string) error {
	name := strings.TrimPrefix(r.URL.Path, "/audit/")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s-%d-%d.%s"`, name, s.scope.Mode, s.scope.From, s.scope.To, format))
	return s.write(w, r, contentTypes[format], func(ctx context.Context, e *encoder) error {
		e.format = format
		return s.encode(ctx, e, func(row) {})
	})
}

// encode writes all rows, and shows each to see.
func (s *sheet) encode(ctx context.Context, e *encoder, see func(row)) error {
	e.header(s.columns)
	_, _, err := s.each(ctx, projections.JournalPlace{}, 0, func(r row) (bool, error) {
		see(r)
		return true, e.row(r)
	})
	if err != nil {
		return err
	}
	return e.flush()
}
