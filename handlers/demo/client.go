package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// call is one request of the API.
type call struct {
	says      string // what it is for
	operation string // its name in the API's description
	method    string
	path      string
	query     url.Values
	body      any    // written as JSON; nil: none
	key       string // Idempotency-Key: the same for the same wish, however often it is sent
}

// refusal is a problem document: why the API did not do what it was asked.
type refusal struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Errors []struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"errors"`
}

// Error says what the API says: of each thing that is wrong, where it names them.
func (r *refusal) Error() string {
	if len(r.Errors) == 0 {
		return r.Detail
	}
	var says []string
	for _, e := range r.Errors {
		says = append(says, e.Detail)
	}
	return strings.Join(says, " ")
}

// do calls the API, writes the call down in the order's timeline (nil: the shop's
// own), and keeps the object that was answered. A problem comes back as a *[refusal].
func (s *Shop) do(ctx context.Context, o *order, c call, into any) error {
	return s.again(ctx, o, s.entry(o, c), c, into)
}

// again is do for a call that was written down already: it is asked once more.
func (s *Shop) again(ctx context.Context, o *order, e *entry, c call, into any) error {
	begun := time.Now()
	status, header, answer, err := s.send(ctx, c)
	s.update(func() {
		e.times++
		e.done, e.took = true, time.Since(begun)
		e.status, e.answer, e.requestID = status, s.mask(answer), header.Get("Request-Id")
		e.replayed = header.Get("Idempotent-Replayed") == "true"
		if err != nil {
			e.fault = "There is no answer: " + err.Error()
			return
		}
		s.keep(o, answer)
	})
	switch {
	case err != nil:
		return err
	case status >= http.StatusBadRequest:
		var p refusal
		if err := json.Unmarshal(answer, &p); err != nil || p.Detail == "" {
			return errors.Newf("Tender answers %d", status)
		}
		return &p
	case into == nil || len(answer) == 0:
		return nil
	}
	return errors.Wrap(json.Unmarshal(answer, into), "read an answer")
}

// send sends a request, with the secret key, and reads the answer.
func (s *Shop) send(ctx context.Context, c call) (int, http.Header, []byte, error) {
	var body io.Reader
	if c.body != nil {
		text, err := json.Marshal(c.body)
		if err != nil {
			return 0, nil, nil, errors.Wrap(err, "write a request")
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, c.method, strings.TrimRight(s.API, "/")+c.target(), body)
	if err != nil {
		return 0, nil, nil, errors.Wrap(err, "make a request")
	}
	r.Header.Set("Authorization", "Bearer "+s.Key)
	if c.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		r.Header.Set("Idempotency-Key", c.key)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return 0, nil, nil, errors.Wrap(err, "call Tender")
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	return res.StatusCode, res.Header, answer, errors.Wrap(err, "read an answer")
}

// target is the path with its query.
func (c call) target() string {
	if len(c.query) == 0 {
		return c.path
	}
	return c.path + "?" + c.query.Encode()
}
