package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/cmd/tender/internal/devenv"
)

// Limits of a call of the merchants' API from the command line.
const (
	clientTimeout  = 30 * time.Second
	clientBytesMax = 4 << 20
	clientPagesMax = 200
)

// client calls the merchants' API, as anybody with a secret key may.
type client struct{ base, key string }

// settings are what a client needs to know; dev.env names both.
func (c *client) settings() []setting {
	return []setting{
		{"url", devenv.URL, "http://127.0.0.1:8080", "where the API is served", false, &c.base},
		{"key", devenv.SecretKey, "", "a merchant's secret key", true, &c.key},
	}
}

// call sends one request and decodes its answer. A problem comes back as an error
// that says what the API says.
func (c *client) call(ctx context.Context, method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return errors.Wrap(err, "encode a request")
		}
		content = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.base, "/")+path, content)
	if err != nil {
		return errors.Wrap(err, "build a request")
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	if method != http.MethodGet {
		r.Header.Set("Idempotency-Key", uuid.NewString())
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return errors.Wrapf(err, "the API can't be reached at %s", c.base)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, clientBytesMax))
	if err != nil {
		return errors.Wrap(err, "read an answer")
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return problemOf(answer.StatusCode, text)
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	return errors.Wrap(json.Unmarshal(text, into), "read an answer")
}

// apiProblem is what the API refuses with.
type apiProblem struct {
	Status int
	says   string
}

func (p *apiProblem) Error() string { return p.says }

// problemOf is a problem document as one line, with every field that is wrong.
func problemOf(status int, text []byte) error {
	var p struct {
		Detail string `json:"detail"`
		Code   string `json:"code"`
		Errors []struct {
			Pointer   string `json:"pointer"`
			Parameter string `json:"parameter"`
			Detail    string `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(text, &p); err != nil || p.Detail == "" {
		return &apiProblem{status, fmt.Sprintf("the API answers %d: %s", status, bytes.TrimSpace(text))}
	}
	line := p.Detail
	for _, e := range p.Errors {
		line += fmt.Sprintf("\n  %s%s: %s", e.Pointer, e.Parameter, e.Detail)
	}
	return &apiProblem{status, fmt.Sprintf("%s (%s)", line, p.Code)}
}

// pages calls each for every object of a list, newest first, until it says stop.
func pages[T any](ctx context.Context, c *client, path string, query url.Values, each func(T) (more bool)) error {
	for range clientPagesMax {
		var page struct {
			Data       []T    `json:"data"`
			HasMore    bool   `json:"has_more"`
			NextCursor string `json:"next_cursor"`
		}
		if err := c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, o := range page.Data {
			if !each(o) {
				return nil
			}
		}
		if !page.HasMore {
			return nil
		}
		query.Set("cursor", page.NextCursor)
	}
	return errors.Newf("the list is longer than %d pages", clientPagesMax)
}
