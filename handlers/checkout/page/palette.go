package page

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Contrasts that a palette keeps to, after WCAG 2.2.
const (
	textContrast = 4.5 // of text with what it stands on (1.4.3)
	edgeContrast = 3   // of a control with what is around it (1.4.11)
	panelWhite   = 9   // of white text with the panel, so that muted text fits between
)

// rgb is a colour, each part from 0 to 255.
type rgb struct{ r, g, b uint8 }

var (
	black = rgb{}
	white = rgb{255, 255, 255}
)

// ground is what a mode of the page looks like where no brand changes it: the same
// colours stand in checkout.css.
type ground struct {
	page, surface, ink, edge rgb
	soft                     float64 // how much of the accent goes into a soft ground
	towards                  rgb     // where a colour goes to be told from the grounds
}

var (
	light = ground{rgb{0xf1, 0xf3, 0xef}, white, rgb{0x14, 0x21, 0x1c}, rgb{0x77, 0x85, 0x7d}, .1, black}
	dark  = ground{rgb{0x0d, 0x13, 0x11}, rgb{0x16, 0x1f, 0x1b}, rgb{0xe9, 0xf1, 0xec}, rgb{0x71, 0x86, 0x7b}, .14, white}
)

// palette is all that a merchant's colour decides in one mode.
type palette struct {
	accent, accentDeep                      rgb // links, focus, marks; and under the pointer
	soft                                    rgb // grounds that belong to the accent
	button, buttonDeep, buttonText          rgb // the colour itself
	buttonEdge                              rgb // what tells the button from the surface
	panel, panelText, panelMuted, panelLine rgb
}

// paletteOf derives a mode's palette from a colour: the button has it as it is, with
// black or white on it; where it stands on the page's grounds, or text on a panel made
// of it, it is darkened or lightened as far as it takes to be read.
func paletteOf(colour rgb, g ground) palette {
	p := palette{button: colour, buttonText: on(colour)}
	// The soft ground is made of the accent, and carries it, too: so it is looked for
	// until it can be read there as well.
	for part := 0.0; ; part = min(part+.02, 1) {
		p.accent = mix(colour, g.towards, part)
		p.soft = mix(g.surface, p.accent, g.soft)
		if part == 1 || readable(p.accent, g.page, g.surface, p.soft) {
			break
		}
	}
	p.accentDeep = mix(p.accent, g.towards, .25)
	// Under the pointer the button moves away from its text's colour, which only adds
	// to the contrast.
	p.buttonDeep = mix(colour, opposite(p.buttonText), .18)
	p.buttonEdge = p.button
	if contrast(p.button, g.surface) < edgeContrast {
		p.buttonEdge = p.accent
	}
	p.panel = colour
	for part := 0.0; part < 1 && contrast(p.panel, white) < panelWhite; part += .02 {
		p.panel = mix(colour, black, part)
	}
	if g.towards == white {
		p.panel = mix(g.page, p.panel, .6)
	}
	p.panelText, p.panelMuted, p.panelLine = white, mix(p.panel, white, .76), mix(p.panel, white, .4)
	return p
}

func readable(c rgb, grounds ...rgb) bool {
	for _, g := range grounds {
		if contrast(c, g) < textContrast {
			return false
		}
	}
	return true
}

// on is black or white, whichever is read better on c.
func on(c rgb) rgb {
	if contrast(c, white) >= contrast(c, black) {
		return white
	}
	return black
}

func opposite(c rgb) rgb {
	if c == white {
		return black
	}
	return white
}

// mix is a colour that is part b, from 0 to 1, and else a.
func mix(a, b rgb, part float64) rgb {
	one := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + (float64(y)-float64(x))*part)) }
	return rgb{one(a.r, b.r), one(a.g, b.g), one(a.b, b.b)}
}

// contrast is WCAG's contrast ratio of two colours, from 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

// luminance is WCAG's relative luminance, from 0 to 1.
func luminance(c rgb) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= .04045 {
			return s / 12.92
		}
		return math.Pow((s+.055)/1.055, 2.4)
	}
	return .2126*linear(c.r) + .7152*linear(c.g) + .0722*linear(c.b)
}

// parseColour reads #rrggbb.
func parseColour(s string) (rgb, bool) {
	hex, found := strings.CutPrefix(s, "#")
	n, err := strconv.ParseUint(hex, 16, 24)
	if !found || len(hex) != 6 || err != nil {
		return rgb{}, false
	}
	return rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}, true
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

func (p palette) css() string {
	return fmt.Sprintf(":root { --accent: %s; --accent-deep: %s; --soft: %s; --button: %s; --button-deep: %s; --on-button: %s; --button-edge: %s; "+
		"--panel: %s; --on-panel: %s; --panel-muted: %s; --panel-line: %s; }",
		p.accent, p.accentDeep, p.soft, p.button, p.buttonDeep, p.buttonText, p.buttonEdge, p.panel, p.panelText, p.panelMuted, p.panelLine)
}

// BrandCSS is what a merchant's colour changes of the page's style; nothing where
// there is none.
func (s shown) BrandCSS() template.CSS {
	colour, ok := parseColour(s.Colour)
	if !ok {
		return ""
	}
	return template.CSS(paletteOf(colour, light).css() + "\n@media (prefers-color-scheme: dark) { " + paletteOf(colour, dark).css() + " }\n" + //nolint:gosec // hexadecimal digits of our own
		"@media (prefers-contrast: more) { :root { --panel-muted: var(--on-panel); --panel-line: var(--on-panel); } }\n")
}
