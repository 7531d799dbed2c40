package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"tender/handlers/body"
	"tender/handlers/problem"
)

// fingerprintBytes is how much of an HMAC is kept: enough to tell two values
// apart, and useless for anything else.
const fingerprintBytes = 12

// pathMember stands for method and path among the fingerprints; no JSON pointer
// looks like it.
const pathMember = "path"

// fingerprints returns an HMAC per member of the decoded request, and one for
// method and path: the values themselves are not kept.
func (s *Server) fingerprints(r *http.Request, request any) json.RawMessage {
	plain, err := json.Marshal(request)
	if err != nil {
		panic(err) // requests are structs of strings and numbers
	}
	var tree any
	if err := json.Unmarshal(plain, &tree); err != nil {
		panic(err)
	}
	prints := map[string]string{pathMember: s.fingerprint(pathMember, r.Method+" "+r.URL.Path)}
	s.flatten(prints, "", tree)
	out, err := json.Marshal(prints)
	if err != nil {
		panic(err)
	}
	return out
}

func (s *Server) flatten(prints map[string]string, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			s.flatten(prints, at+"/"+body.Escape(name), member)
		}
	case []any:
		for i, element := range v {
			s.flatten(prints, at+"/"+strconv.Itoa(i), element)
		}
	default:
		prints[at] = s.fingerprint(at, fmt.Sprintf("%T %v", v, v))
	}
}

func (s *Server) fingerprint(member, value string) string {
	h := hmac.New(sha256.New, s.FingerprintKey)
	h.Write([]byte(strconv.Itoa(len(member)) + ":" + member + value))
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil)[:fingerprintBytes])
}

// firstDifference names the first member in which two requests differ; nil: none.
func firstDifference(first, now json.RawMessage) *string {
	var a, b map[string]string
	if json.Unmarshal(first, &a) != nil || json.Unmarshal(now, &b) != nil {
		all := pathMember
		return &all
	}
	var differing []string
	for member, print := range a {
		if b[member] != print {
			differing = append(differing, member)
		}
	}
	for member := range b {
		if _, both := a[member]; !both {
			differing = append(differing, member)
		}
	}
	if len(differing) == 0 {
		return nil
	}
	if slices.Contains(differing, pathMember) {
		path := pathMember
		return &path
	}
	first0 := slices.Min(differing)
	return &first0
}

// reused is the answer to a key that stands for another request.
func reused(member, resource string) error {
	p := problem.New(problem.IdempotencyKeyReused, "The Idempotency-Key was used for another request. Use a new key for each new thing that you want done.")
	if resource != "" {
		p = p.WithConflictingResource(resource)
	}
	if member == pathMember {
		return p.WithFieldErrors(problem.FieldError{Parameter: pathMember, Code: problem.Differs, Detail: "The method or the path differs."})
	}
	return p.WithFieldErrors(problem.FieldError{Pointer: member, Code: problem.Differs, Detail: "The field differs from that of the first request."})
}
