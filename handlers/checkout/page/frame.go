package page

import (
	_ "embed"
	"html/template"
)

//go:embed assets/frame.css
var frameCSS string

//go:embed assets/frame.js
var frameScript string

// Frame is what the page of an embedded session knows of the page around it.
type Frame struct {
	// Parent is the origin of the merchant's page whose frame this is; empty: the page
	// is open by itself, as after the customer was at their bank's in another window.
	Parent    string
	SessionID string
	PayButton bool // else the merchant's page has it
	// Refused is why there is no checkout, as the page around is told; empty: there is one.
	Refused string
}

// Framed reports whether the page is shown in a frame.
func (s shown) Framed() bool { return s.Frame != nil && s.Frame.Parent != "" }

// Focus is the attribute of what the customer is to see first. Browsers give no frame
// the focus by itself; there the script does, if the customer is in it.
func (s shown) Focus() template.HTMLAttr {
	if s.Framed() {
		return "data-focus"
	}
	return "autofocus"
}

// FrameCSS and FrameScript are ours, embedded, and go into the pages of embedded
// sessions as they are.
func (s shown) FrameCSS() template.CSS   { return template.CSS(frameCSS) }   //nolint:gosec // our own file
func (s shown) FrameScript() template.JS { return template.JS(frameScript) } //nolint:gosec // our own file
