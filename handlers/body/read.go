// Package body reads what clients send: JSON objects, strictly, with everything
// that is wrong with them collected and named at once.
package body

import (
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/handlers/problem"
)

// Read reads a JSON body; none at all counts as an empty object.
func Read(w http.ResponseWriter, r *http.Request) (*Fields, error) {
	if r.Header.Get("Content-Encoding") != "" {
		return nil, problem.New(problem.UnsupportedMediaType, "Send the body uncompressed.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BytesMax))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return nil, err
		}
		return nil, problem.New(problem.MalformedRequest, "The body ended before all of it was sent.")
	}
	if len(body) == 0 {
		return newFields(map[string]any{}), nil
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, problem.New(problem.UnsupportedMediaType, "Send JSON in UTF-8 with Content-Type: application/json.")
	}
	o, err := parse(body)
	if err != nil {
		return nil, err
	}
	return newFields(o), nil
}
