package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"

	"github.com/cockroachdb/errors"
)

// endpointName is how the shop finds its endpoint again if it lost its file.
const endpointName = "Tender demo shop"

// endpointKeeper is the shop's webhook endpoint, as it is kept in a file: the
// signing secret is told only once.
type endpointKeeper struct {
	mu     sync.Mutex
	kept   keptEndpoint
	loaded bool // from the file
	good   bool // the API knows it, and it leads here
}

type keptEndpoint struct {
	ID     string `json:"id"`
	URL    string `json:"url"`
	Secret string `json:"secret"`
}

// apiEndpoint is what the shop reads of an endpoint.
type apiEndpoint struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Status      string `json:"status"`
	Description string `json:"description"`
	Secret      string `json:"secret"`
}

// listen sees to it that webhooks arrive: once after a start it makes the endpoint,
// or finds the one that was made before.
func (s *Shop) listen(ctx context.Context) error {
	k := &s.endpoint
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.good {
		return nil
	}
	if err := s.load(); err != nil {
		return err
	}
	here := s.URL + hooksPath
	e, err := s.knownEndpoint(ctx)
	if err != nil {
		return err
	}
	path := "/webhooks/endpoints"
	if e.ID == "" {
		body := map[string]any{"url": here, "events": []string{"*"}, "description": endpointName}
		c := call{says: "Make a webhook endpoint", operation: "createWebhookEndpoint", method: http.MethodPost, path: path, body: body, key: freshKey()}
		if err := s.do(ctx, nil, c, &e); err != nil {
			return err
		}
	}
	if e.URL != here || e.Status != "enabled" {
		body := map[string]any{"url": here, "status": "enabled"}
		c := call{says: "Have webhooks come here", operation: "updateWebhookEndpoint", method: http.MethodPatch, path: path + "/" + e.ID, body: body}
		if err := s.do(ctx, nil, c, nil); err != nil {
			return err
		}
	}
	if e.Secret != "" {
		k.kept.Secret = e.Secret
	}
	k.kept.ID, k.kept.URL, k.good = e.ID, here, true
	return s.save()
}

// knownEndpoint is the endpoint of the file, or the one that bears the shop's name:
// of that the secret is lost, so it gets another. Without an id there is none.
func (s *Shop) knownEndpoint(ctx context.Context) (e apiEndpoint, err error) {
	const path = "/webhooks/endpoints"
	if id := s.endpoint.kept.ID; id != "" {
		err = s.do(ctx, nil, call{says: "Look the webhook endpoint up", operation: "getWebhookEndpoint", method: http.MethodGet, path: path + "/" + id}, &e)
		if p := new(refusal); !errors.As(err, &p) || p.Status != http.StatusNotFound {
			return e, err
		}
	}
	var all struct{ Data []apiEndpoint }
	query := url.Values{"limit": {strconv.Itoa(endpointsMax)}}
	if err = s.do(ctx, nil, call{says: "Look for a webhook endpoint", operation: "listWebhookEndpoints", method: http.MethodGet, path: path, query: query}, &all); err != nil {
		return apiEndpoint{}, err
	}
	for _, one := range all.Data {
		if one.Description != endpointName {
			continue
		}
		c := call{
			says: "Replace a secret that was lost", operation: "rotateWebhookSecret", method: http.MethodPost,
			path: path + "/" + one.ID + "/rotate_secret", body: map[string]int{"overlap_hours": 0}, key: freshKey(),
		}
		err = s.do(ctx, nil, c, &e)
		return e, err
	}
	return apiEndpoint{}, nil
}

// secret is what messages are signed with, "" while there is no endpoint.
func (s *Shop) secret() string {
	s.endpoint.mu.Lock()
	defer s.endpoint.mu.Unlock()
	_ = s.load() // an endpoint that can't be read is made anew by the next order
	return s.endpoint.kept.Secret
}

// load reads the file, once. The endpoint's mutex is held.
func (s *Shop) load() error {
	k := &s.endpoint
	if k.loaded {
		return nil
	}
	text, err := os.ReadFile(s.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Wrap(err, "read what is kept of the demo shop's endpoint")
	}
	if json.Unmarshal(text, &k.kept) != nil || k.kept.Secret == "" {
		k.kept = keptEndpoint{} // the API helps
	}
	k.loaded = true
	return nil
}

// save writes the file in one step, for its owner only. The endpoint's mutex is held.
func (s *Shop) save() error {
	text, err := json.MarshalIndent(s.endpoint.kept, "", "  ")
	if err != nil {
		return errors.Wrap(err, "write what is kept of the demo shop's endpoint")
	}
	aside := s.File + ".new"
	if err := os.WriteFile(aside, append(text, '\n'), 0o600); err != nil {
		return errors.Wrap(err, "keep the demo shop's endpoint")
	}
	return errors.Wrap(os.Rename(aside, s.File), "keep the demo shop's endpoint")
}

// freshKey is the idempotency key of a wish that is made once.
func freshKey() string { return "demo-" + rand.Text() }
