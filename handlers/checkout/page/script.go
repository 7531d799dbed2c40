package page

import (
	"embed"
	"io/fs"
	"strings"

	"github.com/cockroachdb/errors"
)

//go:embed assets/script/*.js
var scriptFiles embed.FS

// scriptParts are the files of the script, in the order in which they run.
var scriptParts = []string{"page", "card", "checks", "form", "lead", "follow", "countdown", "start"}

// readScript puts the files together into one function, so that nothing in them is
// global. Comments stay out: what is read here is read by people, and sent to phones.
func readScript(files fs.FS, dir string) (string, error) {
	var all strings.Builder
	all.WriteString("// Makes the page more comfortable; it works without. Nothing here decides\n// anything: the server checks everything again.\n(() => {\n\"use strict\";\n")
	for _, name := range scriptParts {
		raw, err := fs.ReadFile(files, dir+"/"+name+".js")
		if err != nil {
			return "", errors.Wrapf(err, "reading the script %s", name)
		}
		for line := range strings.Lines(string(raw)) {
			line = strings.TrimLeft(line, " ")
			if !strings.HasPrefix(line, "//") && line != "\n" {
				all.WriteString(line)
			}
		}
	}
	all.WriteString("})();\n")
	return all.String(), nil
}
