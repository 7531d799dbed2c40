package main_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A brand that is given on the command line is what the page and the API show next.
func TestBrandFromTheCommandLine(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	s := i.session("branded", 700)
	shown := i.must(http.StatusOK, http.MethodGet, "/brand", "", "")
	merchantID := shown.text("merchant_id")
	before := i.mustRun("merchant", "brand", "--merchant", merchantID)
	if !strings.Contains(before, "logo         (none)") || !strings.Contains(before, "name         "+shown.text("name")+"\n") {
		t.Errorf("it shows %s", before)
	}
	page := func() string {
		t.Helper()
		answer, err := http.Get(s.text("session_url"))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if strings.Contains(page(), "<img") {
		t.Error("the page has a logo before there is one")
	}

	picture, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "logo.gif") // its name says nothing
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	after := i.mustRun("merchant", "brand", "--merchant", merchantID, "--name", "Karoo", "--colour", "#8A3B12", "--logo", file,
		"--support-url", "tel:112", "--legal-text", "Reg. 1\nVAT 2")
	for _, part := range []string{"name         Karoo\n", "colour       #8a3b12\n", "(1 by 1 pixels)", "support-url  tel:112\n", "legal-text   Reg. 1\n             VAT 2\n"} {
		if !strings.Contains(after, part) {
			t.Errorf("it lacks %q: %s", part, after)
		}
	}
	html := page()
	for _, part := range []string{`<img class="logo" src="/logos/lgo_`, "--button: #8a3b12;", `href="tel:112"`, "Reg. 1\nVAT 2", "Pay Karoo<"} {
		if !strings.Contains(html, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if out, err := i.run("merchant", "brand", "--merchant", merchantID, "--colour", "red", "--name", ""); err == nil || !strings.Contains(out, "--colour") || !strings.Contains(out, "--name") {
		t.Errorf("what is wrong ends in %v: %s", err, out)
	}
	if gone := i.mustRun("merchant", "brand", "--merchant", merchantID, "--logo", ""); !strings.Contains(gone, "logo         (none)") || !strings.Contains(gone, "#8a3b12") {
		t.Errorf("it shows %s", gone)
	}
}
