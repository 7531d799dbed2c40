// Package devenv keeps dev.env: what a running `tender dev` tells the person and
// the commands beside it, as KEY=value lines that a shell can source. It also
// chooses the ports of such an installation and keeps them. It knows nothing of
// what the values mean.
package devenv

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cockroachdb/errors"
)

// FileName is the file's name in the data directory.
const FileName = "dev.env"

// The names in dev.env. Every command reads its configuration from these.
const (
	URL              = "TENDER_URL"
	SecretKey        = "TENDER_SECRET_KEY"
	PublicKey        = "TENDER_PUBLIC_KEY"
	FinanceKey       = "TENDER_FINANCE_KEY"
	OperatorKey      = "TENDER_OPERATOR_KEY"
	DatabaseURL      = "DATABASE_URL"       // the role app
	DatabaseAdminURL = "DATABASE_ADMIN_URL" // the role admin
	NATSURL          = "NATS_URL"
)

// fileBytesMax bounds what is read: a larger file is not ours.
const fileBytesMax = 1 << 16

// namePattern is what a shell takes for a variable's name.
var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// plainPattern is what needs no quotes in any shell.
var plainPattern = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]*$`)

// Entry is one line of the file.
type Entry struct{ Name, Value string }

// Write replaces the file in one step, so that nobody reads half of it; only its
// owner can. The entries stand in the order given. Values that a shell would
// take apart are quoted; one with a line break or a zero byte is an error, and
// so is a name that is none or stands twice.
func Write(path string, entries []Entry) error {
	var text strings.Builder
	seen := map[string]bool{}
	for _, e := range entries {
		if !namePattern.MatchString(e.Name) || seen[e.Name] {
			return errors.Newf("%q is no name for a line of %s, or stands twice", e.Name, filepath.Base(path))
		}
		if strings.ContainsAny(e.Value, "\n\r\x00") {
			return errors.Newf("the value of %s has a line break in it", e.Name)
		}
		seen[e.Name] = true
		fmt.Fprintf(&text, "%s=%s\n", e.Name, quote(e.Value))
	}
	return replace(path, text.String())
}

// Read returns the file's entries in order; none if there is no file. Empty lines
// and those that begin with # are passed over; any other line that isn't
// KEY=value is an error, which quotes no value.
func Read(path string) ([]Entry, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "read "+filepath.Base(path))
	}
	if !info.Mode().IsRegular() || info.Size() > fileBytesMax {
		return nil, errors.Newf("%s is not a file of KEY=value lines", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.Wrap(err, "read "+filepath.Base(path))
	}
	return parse(path, string(content))
}

func parse(path, content string) ([]Entry, error) {
	var entries []Entry
	for i, line := range strings.Split(content, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, quoted, found := strings.Cut(line, "=")
		value, whole := unquote(quoted)
		if !found || !namePattern.MatchString(name) || !whole {
			return nil, errors.Newf("%s, line %d: not KEY=value", path, i+1)
		}
		entries = append(entries, Entry{name, value})
	}
	return entries, nil
}

// Lookup returns the value of a name; the last line wins, as in a shell.
func Lookup(entries []Entry, name string) (value string, ok bool) {
	for _, e := range entries {
		if e.Name == name {
			value, ok = e.Value, true
		}
	}
	return value, ok
}

// quote puts a value into single quotes where a shell needs them.
func quote(value string) string {
	if plainPattern.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// unquote is the reverse of quote: plain text and single-quoted pieces, with
// \' between them. Whatever else a shell would make sense of is no value here.
func unquote(text string) (value string, ok bool) {
	var out strings.Builder
	for text != "" {
		switch {
		case strings.HasPrefix(text, `\'`):
			out.WriteByte('\'')
			text = text[2:]
		case text[0] == '\'':
			inside, rest, closed := strings.Cut(text[1:], "'")
			if !closed {
				return "", false
			}
			out.WriteString(inside)
			text = rest
		default:
			end := strings.IndexAny(text, `'\`)
			if end < 0 {
				end = len(text)
			}
			if end == 0 {
				return "", false
			}
			out.WriteString(text[:end])
			text = text[end:]
		}
	}
	return out.String(), true
}

// replace writes a file beside the old one and puts it in its place.
func replace(path, content string) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new") // mode 0600
	if err != nil {
		return errors.Wrap(err, "write "+filepath.Base(path))
	}
	defer os.Remove(fresh.Name()) // once renamed, there is nothing to remove
	if _, err := fresh.WriteString(content); err != nil {
		_ = fresh.Close()
		return errors.Wrap(err, "write "+filepath.Base(path))
	}
	if err := fresh.Close(); err != nil {
		return errors.Wrap(err, "write "+filepath.Base(path))
	}
	return errors.Wrap(os.Rename(fresh.Name(), path), "write "+filepath.Base(path))
}
