package page

import (
	"math"
	"testing"
)

func TestContrast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21},
		{"#777777", "#ffffff", 4.48}, // the grey that just fails
		{"#767676", "#ffffff", 4.54}, // and the one that just passes
		{"#ff0000", "#ffffff", 4.00},
		{"#0000ff", "#ffffff", 8.59},
		{"#ffff00", "#ffffff", 1.07},
		{"#0a6b4f", "#0a6b4f", 1},
	} {
		a, b := colour(t, c.a), colour(t, c.b)
		if got := contrast(a, b); math.Abs(got-c.want) > .005 || got != contrast(b, a) {
			t.Errorf("%s on %s has a contrast of %.3f, not %.2f", c.a, c.b, got, c.want)
		}
	}
}

func colour(t *testing.T, s string) rgb {
	t.Helper()
	c, ok := parseColour(s)
	if !ok || c.String() != s {
		t.Fatalf("%s is read as %s, %t", s, c, ok)
	}
	return c
}

func TestParseColour(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "#", "0a6b4f", "#0a6b4", "#0a6b4f0", "#0a6b4g", "#+a6b4f", "red", "#0a6b4f;}"} {
		if c, ok := parseColour(wrong); ok {
			t.Errorf("%q is read as %s", wrong, c)
		}
	}
}

func TestPalette(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		colour, text                     string
		accentLight, accentDark          string // "": the colour itself
		edgeIsButtonLight, edgeIsButtonD bool
	}{
		{colour: "#0a6b4f", text: "#ffffff", accentDark: "#62a08e", edgeIsButtonLight: true},
		{colour: "#ffd400", text: "#000000", accentLight: "#7f6a00", edgeIsButtonD: true},
		{colour: "#000000", text: "#ffffff", accentDark: "#949494", edgeIsButtonLight: true},
		{colour: "#ffffff", text: "#000000", accentLight: "#6b6b6b", edgeIsButtonD: true},
	} {
		base := colour(t, c.colour)
		l, d := paletteOf(base, light), paletteOf(base, dark)
		if l.button != base || d.button != base || l.buttonText.String() != c.text || d.buttonText.String() != c.text {
			t.Errorf("%s: the buttons are %s on %s and %s on %s", c.colour, l.buttonText, l.button, d.buttonText, d.button)
		}
		for _, a := range []struct {
			got  rgb
			want string
		}{{l.accent, c.accentLight}, {d.accent, c.accentDark}} {
			if a.want == "" {
				a.want = c.colour
			}
			if a.got.String() != a.want {
				t.Errorf("%s: an accent is %s, not %s", c.colour, a.got, a.want)
			}
		}
		if (l.buttonEdge == base) != c.edgeIsButtonLight || (d.buttonEdge == base) != c.edgeIsButtonD {
			t.Errorf("%s: the buttons' edges are %s and %s", c.colour, l.buttonEdge, d.buttonEdge)
		}
	}
}

// Whatever colour a merchant chooses, everything can be read: a grid of 4 913 of them.
func TestEveryColourCanBeRead(t *testing.T) {
	t.Parallel()
	step := func(i int) uint8 { return uint8(min(i*16, 255)) }
	for i := range 17 * 17 * 17 {
		base := rgb{step(i % 17), step(i / 17 % 17), step(i / 289)}
		for name, g := range map[string]ground{"light": light, "dark": dark} {
			p := paletteOf(base, g)
			for what, pair := range map[string][2]rgb{
				"links on the page":    {p.accent, g.page},
				"links on the surface": {p.accent, g.surface},
				"marks":                {p.accent, p.soft},
				"links, pointed at":    {p.accentDeep, g.surface},
				"text on soft ground":  {g.ink, p.soft},
				"the button":           {p.buttonText, p.button},
				"the button, pointed":  {p.buttonText, p.buttonDeep},
				"the panel":            {p.panelText, p.panel},
				"the panel's labels":   {p.panelMuted, p.panel},
			} {
				if got := contrast(pair[0], pair[1]); got < textContrast {
					t.Fatalf("%s, %s: %s has a contrast of %.2f: %s on %s", base, name, what, got, pair[0], pair[1])
				}
			}
			if contrast(p.buttonEdge, g.surface) < edgeContrast {
				t.Fatalf("%s, %s: the button can't be told from the surface", base, name)
			}
		}
	}
}
