package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"tender/domain/merchant"
	"tender/handlers/handlerstest"
)

const brandPath = "/brand"

// patch changes something, with or without an idempotency key.
func patch(t *testing.T, c *handlerstest.Caller, body any, headers ...handlerstest.Header) *handlerstest.Answer {
	t.Helper()
	a, err := c.Send(http.MethodPatch, brandPath, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// picture is a PNG in base64, with a shade that makes it another one.
func picture(t *testing.T, width, height int, shade uint8) string {
	t.Helper()
	p := image.NewGray(image.Rect(0, 0, width, height))
	for i := range p.Pix {
		p.Pix[i] = shade
	}
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func TestBrand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain := b.Get(brandPath).Is(200)
	for _, absent := range []string{"colour", "logo", "support_url", "legal_text"} {
		if strings.Contains(string(plain.Body), absent) {
			t.Errorf("a merchant without a brand has %s: %s", absent, plain.Body)
		}
	}
	if plain.Text("name") != "Corner Shop" || plain.Text("merchant_id") != b.merchant.ID || plain.Text("mode") != "test" {
		t.Errorf("the brand is %s", plain.Body)
	}

	changed := patch(t, b.Caller, object{
		"name": "Karoo Coffee", "colour": "#8A3B12", "support_url": "mailto:help@karoo.example", "legal_text": "Reg. 1\nVAT 2",
		"logo": picture(t, 800, 160, 40),
	}).Is(200)
	if changed.Text("name") != "Karoo Coffee" || changed.Text("colour") != "#8a3b12" || changed.Text("legal_text") != "Reg. 1\nVAT 2" ||
		changed.Int("logo.width") != 400 || changed.Int("logo.height") != 80 {
		t.Errorf("the brand is %s", changed.Body)
	}
	if got := b.Get(brandPath).Is(200); !bytes.Equal(got.Body, changed.Body) {
		t.Errorf("it is read as %s, not %s", got.Body, changed.Body)
	}
	if name := b.Get(brandPath).Text("name"); name != "Karoo Coffee" {
		t.Errorf("the name is %q", name)
	}

	// One thing at a time, and what is taken away is gone.
	left := patch(t, b.Caller, object{"colour": "", "support_url": ""}).Is(200)
	if strings.Contains(string(left.Body), "colour") || left.Text("logo.url") != changed.Text("logo.url") || left.Text("name") != "Karoo Coffee" {
		t.Errorf("what is left is %s", left.Body)
	}
	again := patch(t, b.Caller, object{"logo": picture(t, 800, 160, 40)}).Is(200)
	if again.Int("version") != left.Int("version") || again.Header.Get("Event-Position") == "" {
		t.Errorf("the same logo once more is a change: %s", again.Body)
	}
	if gone := patch(t, b.Caller, object{"logo": ""}).Is(200); strings.Contains(string(gone.Body), `"logo"`) {
		t.Errorf("the logo is still there: %s", gone.Body)
	}
	back := patch(t, b.Caller, object{"logo": picture(t, 800, 160, 40)}).Is(200)
	if back.Text("logo.url") != changed.Text("logo.url") {
		t.Errorf("the same picture has another address: %s", back.Body)
	}
}

// A logo is served under an address that never means another, as what it is.
func TestLogosAreServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	address := func(a *handlerstest.Answer) string {
		return strings.TrimPrefix(a.Is(200).Text("logo.url"), handlerstest.BaseURL)
	}
	path := address(patch(t, b.Caller, object{"logo": picture(t, 800, 160, 40)}))
	anyone := b.First.Caller(t, "")
	for _, served := range []*handlerstest.Answer{anyone.Get(path), anyone.Get(path)} { // from the log, and from memory
		served.Is(200)
		decoded, err := png.Decode(bytes.NewReader(served.Body))
		if err != nil || decoded.Bounds() != image.Rect(0, 0, 400, 80) || color.GrayModel.Convert(decoded.At(9, 9)) != (color.Gray{Y: 40}) {
			t.Fatalf("the logo is %v, %v", decoded.Bounds(), err)
		}
		for header, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable",
			"Content-Security-Policy": "default-src 'none'; sandbox",
		} {
			if got := served.Header.Get(header); got != want {
				t.Errorf("%s is %q, not %q", header, got, want)
			}
		}
	}
	if other := address(patch(t, b.Caller, object{"logo": picture(t, 800, 160, 41)})); other == path {
		t.Error("another picture has the same address")
	}
	stranger := b.First.Caller(t, b.Merchant("test").Secret)
	if other := address(patch(t, stranger, object{"logo": picture(t, 800, 160, 40)})); other == path {
		t.Error("two merchants share a logo")
	}
	anyone.Get(path).Is(200) // a page that is open may still ask for it
	for _, wrong := range []string{strings.TrimSuffix(path, ".png"), path + ".png", "/logos/lgo_00000000000000000000000000.png", "/logos/" + b.merchant.ID + ".png", "/logos/x"} {
		if a := anyone.Get(wrong).Is(404); a.Text("code") != "not_found" {
			t.Errorf("%s is answered %s", wrong, a.Body)
		}
	}
}

// All that is wrong is named at once, and nothing of it happens.
func TestBrandViolations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	version := b.Get(brandPath).Int("version")
	blames(t, patch(t, b.Caller, object{
		"name": "", "colour": "green", "support_url": "http://karoo.example", "legal_text": strings.Repeat("x", 1001), "logo": "PHN2Zz4=", "slogan": "",
	}), "/name: too_short", "/colour: invalid_format", "/support_url: invalid_format", "/legal_text: too_long", "/logo: invalid", "/slogan: unknown")
	blames(t, patch(t, b.Caller, object{"name": 1, "colour": nil, "logo": object{}}), "/name: wrong_type", "/colour: wrong_type", "/logo: wrong_type")
	blames(t, patch(t, b.Caller, object{}), ": too_few")
	for name, logo := range map[string]string{"not base64": "?", "without padding": "PHN2Zz4"} {
		a := patch(t, b.Caller, object{"logo": logo})
		if got := wrong(a.Is(400)); len(got) != 1 || got[0] != "/logo: invalid_format" {
			t.Errorf("%s: blamed is %q", name, got)
		}
	}
	patch(t, b.Caller, object{"logo": strings.Repeat("A", 64<<10)}).Is(413)
	if now := b.Get(brandPath).Int("version"); now != version {
		t.Errorf("the version went from %d to %d", version, now)
	}
}

func TestBrandIsOneMerchantsOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.First.Caller(t, b.Merchant("test").Secret)
	patch(t, b.Caller, object{"colour": "#112233"}).Is(200)
	if got := other.Get(brandPath).Is(200); strings.Contains(string(got.Body), "112233") {
		t.Errorf("another merchant sees %s", got.Body)
	}
	public := b.First.Caller(t, b.merchant.Public)
	public.Get(brandPath).Is(403)
	patch(t, public, object{"colour": "#112233"}).Is(403)
	b.First.Caller(t, "").Get(brandPath).Is(401)
	revoked, keyID := b.merchant.Key(merchant.KeySecret)
	b.merchant.Revoke(keyID)
	patch(t, b.First.Caller(t, revoked), object{"colour": "#445566"}).Is(403)
}

func TestBrandReplays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := patch(t, b.Caller, object{"colour": "#112233", "logo": picture(t, 9, 9, 1)}, key("brand-1")).Is(200)
	patch(t, b.Caller, object{"colour": "#445566"}).Is(200)
	again := patch(t, b.Caller, object{"logo": picture(t, 9, 9, 1), "colour": "#112233"}, key("brand-1")).Is(200)
	if again.Header.Get("Idempotent-Replayed") != "true" || !bytes.Equal(again.Body, first.Body) {
		t.Errorf("the replay is %s, not %s", again.Body, first.Body)
	}
	patch(t, b.Caller, object{"colour": "#112233", "logo": picture(t, 9, 9, 2)}, key("brand-1")).Is(422)
	if now := b.Get(brandPath).Text("colour"); now != "#445566" {
		t.Errorf("the colour is %s", now)
	}
}

// Changes that come at once all happen, one after the other.
func TestBrandChangesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	changes := []object{{"colour": "#112233"}, {"legal_text": "Reg. 1"}, {"support_url": "tel:112"}, {"logo": picture(t, 9, 9, 3)}, {"logo": picture(t, 9, 9, 3)}}
	for i, status := range together(len(changes), func(i int) int {
		a, err := b.Send(http.MethodPatch, brandPath, changes[i])
		if err != nil {
			return 0
		}
		return a.Status
	}) {
		if status != 200 {
			t.Errorf("change %d is answered %d", i, status)
		}
	}
	var now map[string]any
	if err := json.Unmarshal(b.Get(brandPath).Is(200).Body, &now); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"colour", "legal_text", "support_url", "logo"} {
		if now[field] == nil {
			t.Errorf("%s got lost: %v", field, now)
		}
	}
}
