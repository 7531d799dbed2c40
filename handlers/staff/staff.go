// Package staff lets the people who run the installation in: finance, under
// /audit, and operators, under /ops. It finds out whose key a request comes with,
// which mode and which merchants it is about, and keeps a record of each look.
//
// What they see and steer is others' work: see [Desk.Handle].
package staff

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/errors"
	lru "github.com/hashicorp/golang-lru/v2"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/staff"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/query"
)

// ClaimKey is the kind of look-up key by which a staff key finds its person: the
// same as merchants' keys have, so that no two keys are ever alike.
const ClaimKey = "api_key"

// keysCachedMax is how many staff keys a process remembers the person of.
const keysCachedMax = 1000

// Config is what a desk is made of.
type Config struct {
	// Live is the log in which the staff and their keys are kept.
	Live *engine.Engine
	// Modes are those that can be asked about; Default is the one that a request
	// means that names none.
	Modes   []string
	Default string
	BaseURL string // without a slash at its end
	Log     *slog.Logger
}

// Desk serves the staff.
type Desk struct {
	Config
	mux *http.ServeMux
	// people remembers whose key a hash is, which never changes.
	people *lru.Cache[string, string]
}

// New returns a desk at which nothing can be asked for yet.
func New(c Config) *Desk {
	cache, err := lru.New[string, string](keysCachedMax)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return &Desk{Config: c, mux: http.NewServeMux(), people: cache}
}

// Request is what a member of the staff asks.
type Request struct {
	*http.Request
	Actor domain.Actor // the person
	Key   staff.Key
	Mode  string
	// Merchants are those that the request is about: the one that it names, or all
	// that the key holds for; nil: all there are.
	Merchants []string
	// Query holds the other parameters. Once they are read, [Request.Done] is called.
	Query *query.Parameters

	record func() error // leaves the access record; nil: there is to be none
	done   bool
}

// Done refuses what is wrong with the parameters, those that nobody read among it, and
// otherwise leaves the record that the person looks at what they name. Whoever answers
// calls it before anything is looked up: an answer without it is not given. What is
// refused leaves no record, because it may hold anything, and the log is for ever.
func (r *Request) Done() error {
	if err := r.Query.Done(); err != nil || r.done {
		return err
	}
	r.done = true
	if r.record == nil {
		return nil
	}
	return r.record()
}

// Covers reports whether what a merchant has may be shown.
func (r *Request) Covers(merchantID string) bool {
	return r.Merchants == nil || slices.Contains(r.Merchants, merchantID)
}

// Handler answers a request by itself, or returns why it doesn't: before the
// first byte was written, or after it, when the answer is cut off.
type Handler func(w http.ResponseWriter, r *Request) error

// Route is something that can be asked at the desk.
type Route struct {
	Pattern string // as [http.ServeMux] takes it, with a method
	Role    staff.Role
	// Unrecorded: it shows nothing of any merchant and steers nothing, so that a
	// look at it, which may come every second, leaves no record.
	Unrecorded bool
	// Wide: it concerns the log as a whole, so that a key for listed merchants
	// doesn't open it.
	Wide bool
	Handler
}

// Handle adds a route.
func (d *Desk) Handle(route Route) {
	d.mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
		begun := &began{ResponseWriter: w}
		err := d.serve(begun, r, route)
		switch {
		case err == nil:
		case begun.yes:
			d.Log.WarnContext(r.Context(), "an answer to the staff was cut off", "route", r.Pattern,
				"request_id", w.Header().Get("Request-Id"), "error", err)
			panic(http.ErrAbortHandler) // whoever reads must see that it isn't whole
		default:
			d.fail(w, r, err)
		}
	})
}

// began notes whether an answer has begun, and sees to it that none does which was not
// recorded.
type began struct {
	http.ResponseWriter
	request *Request
	yes     bool
}

// begin reports whether the answer may begin.
func (b *began) begin() bool {
	b.yes = b.request != nil && b.request.done
	return b.yes
}

func (b *began) WriteHeader(status int) {
	if b.begin() {
		b.ResponseWriter.WriteHeader(status)
	}
}

func (b *began) Write(p []byte) (int, error) {
	if !b.begin() {
		return 0, errors.AssertionFailedf("an answer to the staff begins before the request is done with")
	}
	return b.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (b *began) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (d *Desk) serve(w *began, r *http.Request, route Route) error {
	if err := query.Readable(r); err != nil {
		return err
	}
	person, key, err := d.authenticate(r.Context(), r, route.Role)
	if err != nil {
		return err
	}
	req := &Request{Request: r, Actor: domain.Actor{Kind: domain.ActorStaff, ID: person}, Key: key, Query: query.New(r.URL.Query())}
	if err := d.scope(req, route); err != nil {
		return err
	}
	if !route.Unrecorded {
		req.record = func() error { return d.record(r.Context(), req, route.Role) }
	}
	w.request = req
	w.Header().Set("Cache-Control", "no-store")
	return route.Handler(w, req)
}

// scope reads what the request is about.
func (d *Desk) scope(r *Request, route Route) error {
	if r.Mode = r.Query.Option("mode", d.Modes); r.Mode == "" {
		r.Mode = d.Default
	}
	r.Merchants = r.Key.Merchants
	if route.Wide {
		if r.Merchants != nil {
			return problem.New(problem.Forbidden, "This shows the log as a whole; the key is for single merchants.")
		}
		return r.Query.Err()
	}
	m := r.Query.ID("merchant", id.Merchant)
	switch {
	case m == "":
	case !r.Key.Covers(m):
		return problem.New(problem.NotFound, "There is no such merchant.")
	default:
		r.Merchants = []string{m}
	}
	return r.Query.Err()
}

// authenticate finds out whose key it is, and whether the log lets it in now.
func (d *Desk) authenticate(ctx context.Context, r *http.Request, role staff.Role) (string, staff.Key, error) {
	scheme, secret, found := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !found || !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return "", staff.Key{}, problem.New(problem.Unauthorised, "Send your staff key in the header Authorization: Bearer <key>.")
	}
	hash := merchant.HashKey(secret)
	person, err := d.personOf(ctx, secret, hash)
	if err != nil {
		return "", staff.Key{}, err
	}
	ref := d.Live.Staff.Ref(person)
	if err := d.Live.Refresh(ctx, ref); err != nil {
		return "", staff.Key{}, err
	}
	key, known := ref.Value.KeyByHash(hash)
	if !known {
		return "", staff.Key{}, errUnknown
	}
	return person, key, ref.Value.Permits(key.ID, role, d.Live.Now())
}

var errUnknown = problem.New(problem.InvalidAPIKey, "The API key is not known here.")

func (d *Desk) personOf(ctx context.Context, secret, hash string) (string, error) {
	if person, ok := d.people.Get(hash); ok {
		return person, nil
	}
	if strings.HasPrefix(secret, "sk_") || strings.HasPrefix(secret, "pk_") {
		return "", problem.New(problem.Forbidden, "Merchants' keys don't open what is the staff's.")
	}
	person, known, err := d.Live.Store.Claimed(ctx, ClaimKey, hash)
	if err != nil {
		return "", err
	}
	if !known || id.PrefixOf(person) != id.Staff {
		return "", errUnknown
	}
	d.people.Add(hash, person)
	return person, nil
}

// nameSegment is a part of a path that names something of ours.
var nameSegment = regexp.MustCompile(`^[0-9a-z][0-9A-Za-z_]{0,63}$`)

// secretPrefixes begin what must never enter the log.
var secretPrefixes = []string{"sk_", "pk_", "fin_", "ops_", "whsec_", string(id.Checkout) + "_"}

// plainPath is a path as it may stand in the log for ever: of what names nothing of
// ours, and of secrets, there is no more than a mark.
func plainPath(u *url.URL) string {
	parts := strings.Split(u.Path, "/")
	for i, part := range parts {
		secret := slices.ContainsFunc(secretPrefixes, func(p string) bool { return strings.HasPrefix(part, p) })
		if part != "" && (secret || !nameSegment.MatchString(part)) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

// record appends that the person looks, and what at. The log judges the key once
// more: a revocation that came in between holds.
func (d *Desk) record(ctx context.Context, r *Request, role staff.Role) error {
	person := r.Actor.ID
	_, err := d.Live.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: engine.NewID(), Actor: r.Actor, RequestID: engine.RequestID(ctx)}, Subject: person,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			s, err := engine.Read(ctx, tx, d.Live.Staff, person)
			if err != nil {
				return err
			}
			looks, err := engine.Read(ctx, tx, d.Live.Looks, staff.LooksStream(person, tx.Now.Wall))
			if err != nil {
				return err
			}
			events, err := staff.Decide(s.Value, staff.Access{
				KeyID: r.Key.ID, Role: role, Mode: r.Mode, Method: r.Method,
				Path: plainPath(r.URL), Query: r.URL.Query().Encode(), Now: tx.Now,
			})
			if err != nil {
				return err
			}
			engine.Write(tx, staff.Codec, looks.ID, events...)
			return nil
		},
	})
	return err
}

// ServeHTTP answers every request at the desk, also those for paths that there
// are not.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !utf8.ValidString(r.URL.Path) || strings.ContainsRune(r.URL.Path, 0) {
		d.fail(w, r, problem.New(problem.NotFound, "There is nothing at this path: it is no text."))
		return
	}
	if _, pattern := d.mux.Handler(r); pattern != "" {
		d.mux.ServeHTTP(w, r)
		return
	}
	allowed := problem.Methods(d.mux, r)
	if len(allowed) == 0 {
		d.fail(w, r, problem.New(problem.NotFound, "There is nothing at this path."))
		return
	}
	w.Header()["Allow"] = []string{strings.Join(allowed, ", ")}
	d.fail(w, r, problem.New(problem.MethodNotAllowed, "The path takes "+strings.Join(allowed, ", ")+"."))
}

func (d *Desk) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.From(err)
	if p.Status() >= http.StatusInternalServerError {
		d.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "route", r.Pattern,
			"request_id", w.Header().Get("Request-Id"), "code", p.Code, "error", err)
	}
	problem.Write(w, r, d.BaseURL, p)
}

// JSON answers with a value, written as people read it: with <, > and & as they are.
func JSON(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return errors.NewAssertionErrorWithWrappedErrf(err, "encode an answer")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return errors.Wrap(err, "write an answer")
}
