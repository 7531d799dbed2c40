package page_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"

	"tender/handlers/checkout/page"
)

// Every page that knows its merchant shows the brand, whatever state it is for; one
// of a merchant without a brand shows nothing of it.
func TestEveryPageShowsTheBrand(t *testing.T) {
	t.Parallel()
	for name, v := range everyPage() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v.Logo, v.Colour, v.SupportURL, v.LegalText = page.Logo{}, "", "", ""
			plain := render(t, v)
			v := v
			branded(&v)
			shown := render(t, v)
			for _, part := range []string{
				"--button: #8a3b12;", `href="https://karoo.example/help"`, "<p class=\"legal\">Karoo Coffee Roasters (Pty) Ltd\nReg. &lt;2009&gt;</p>",
			} {
				if !strings.Contains(shown, part) {
					t.Errorf("the page lacks %s", part)
				}
				if strings.Contains(plain, part) {
					t.Errorf("the page without a brand has %s", part)
				}
			}
			if logo := `<img class="logo" src="/logos/lgo_`; strings.Contains(shown, logo) != (v.Merchant != "") || strings.Contains(plain, "<img") {
				t.Errorf("the logo is shown: %t", strings.Contains(shown, logo))
			}
		})
	}
}

// What is no colour changes nothing of the style, and what is no address for help or
// no path of ours makes no page.
func TestBrandsThatAreNone(t *testing.T) {
	t.Parallel()
	plain := render(t, everyPage()["form"])
	for _, colour := range []string{"red", "#fff", "#8a3b12; } body { display: none", "</style>"} {
		v := everyPage()["form"]
		v.Colour = colour
		if render(t, v) != plain {
			t.Errorf("%q changes the page", colour)
		}
	}
	for _, change := range []func(*page.View){
		func(v *page.View) { v.SupportURL = "javascript:alert(1)" },
		func(v *page.View) { v.SupportURL = "http://karoo.example" },
		func(v *page.View) { v.Logo.URL = "https://karoo.example/logo.png" },
		func(v *page.View) { v.Logo.URL = "//karoo.example/logo.png" },
	} {
		v := everyPage()["branded"]
		change(&v)
		var out bytes.Buffer
		if err := page.Render(&out, v); !errors.Is(err, page.ErrUnsafeURL) || out.Len() > 0 {
			t.Errorf("%+v is rendered: %v", v.Logo, err)
		}
	}
}
