package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/errors"
)

// auditExports are the files that finance takes, with the options that narrow each.
var auditExports = map[string][]string{
	"events":    {"mode", "merchant", "from", "to", "stream", "type", "format"},
	"journal":   {"mode", "merchant", "from", "to", "as-of", "basis", "account", "payment", "format"},
	"statement": {"mode", "merchant", "from", "to", "as-of", "basis", "time-zone", "format"},
}

// manifestSuffix is what the name of a file's manifest ends in.
const manifestSuffix = ".manifest.json"

// auditManifest is what a command needs to know of a manifest; it is kept as it came.
type auditManifest struct {
	Href       string `json:"href"`
	Rows       int64  `json:"rows"`
	Bytes      int64  `json:"bytes"`
	SHA256     string `json:"sha256"`
	Position   int64  `json:"position"`
	Checkpoint string `json:"checkpoint"`
	Sums       []struct {
		auditSums
		AmountMinor string `json:"amount_minor"`
	} `json:"sums"`
}

// runAuditExport fetches a file and its manifest, and holds the one against the other.
func runAuditExport(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || auditExports[args[0]] == nil {
		return usageError("tender: use tender audit export events|journal|statement --out FILE [--format csv|jsonl], and what narrows it")
	}
	flags := newFlags("audit export "+args[0], stderr)
	out := flags.String("out", "", "the file to write, which must not be there yet; its manifest comes beside it, as FILE"+manifestSuffix)
	q, err := newInquiry(flags, args[1:], stdout, auditExports[args[0]]...)
	if err != nil {
		return err
	}
	if *out == "" {
		return usageError("tender: name the file to write: --out FILE")
	}
	for _, path := range []string{*out, *out + manifestSuffix} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return alreadyThere(path, err)
		}
	}
	var m auditManifest
	raw, err := q.ask(ctx, "/audit/"+args[0]+"/manifest", &m)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(m.Href, "/audit/"+args[0]+"?") {
		return errors.Newf("the manifest names %q as where the file comes from", m.Href)
	}
	if err := fetch(ctx, &q.client, m, raw, *out); err != nil {
		return err
	}
	return m.print(stdout, *out)
}

// alreadyThere says that a path can't be written because something is there, or because
// it can't even be looked at.
func alreadyThere(path string, err error) error {
	if err != nil {
		return errors.Wrap(err, "look at where the file is to be")
	}
	return errors.Newf("%s is there already; nothing is written over", path)
}

// fetch writes the file that a manifest describes, and the manifest. Neither is there
// under its name before both are whole: a file that is found has its manifest.
func fetch(ctx context.Context, c *client, m auditManifest, raw []byte, path string) error {
	file, err := written(path, func(w io.Writer) error {
		sum := sha256.New()
		counted := &counter{}
		if err := c.stream(ctx, m.Href, io.MultiWriter(w, sum, counted)); err != nil {
			return err
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != m.SHA256 || counted.n != m.Bytes {
			return errors.Newf("what came is not what the manifest says: %d bytes with the SHA-256 %s, and not %d with %s; nothing was kept",
				counted.n, got, m.Bytes, m.SHA256)
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }()
	manifest, err := written(path+manifestSuffix, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(manifest) }()
	if err := place(manifest, path+manifestSuffix); err != nil {
		return err
	}
	if err := place(file, path); err != nil {
		_ = os.Remove(path + manifestSuffix)
		return err
	}
	return nil
}

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// written writes a file under another name, in the directory of the one that it is to
// have, and down to the disk. It leaves nothing where that fails.
func written(path string, write func(io.Writer) error) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", errors.Wrap(err, "make a file")
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", errors.Wrapf(err, "%s", path)
	}
	return f.Name(), nil
}

// place gives a file its name, and takes no other file's: a rename would.
func place(from, path string) error {
	err := os.Link(from, path)
	if errors.Is(err, fs.ErrExist) {
		return alreadyThere(path, nil)
	}
	return errors.Wrap(err, "name the file")
}

// print says what was fetched.
func (m auditManifest) print(w io.Writer, path string) error {
	fmt.Fprintf(w, "%s: %d rows, %d bytes, SHA-256 %s\n", path, m.Rows, m.Bytes, m.SHA256)
	for _, s := range m.Sums {
		fmt.Fprintf(w, "Its amounts add up to %s.\n", s.write(s.AmountMinor))
	}
	proof := "no signed checkpoint covers it yet"
	if m.Checkpoint != "" {
		proof = "the signed checkpoint that covers it is in there"
	}
	_, err := fmt.Fprintf(w, "It goes up to position %d of the log. Its manifest is %s; %s.\n", m.Position, path+manifestSuffix, proof)
	return err
}
