package checkout

import (
	"net/http"
	"net/url"

	"tender/handlers/checkout/page"
)

// ParentParam is the query parameter that names the origin of the page in whose frame
// the checkout is shown. It is a claim, and no more is made of it than the address
// that messages are for: the browser holds back both the page and the messages from
// anybody else.
const ParentParam = "parent"

// FramePath is where a checkout's page is, in the frame of a page of that origin; "":
// in no frame.
func FramePath(checkoutID, parent string) string {
	path := "/checkout/" + checkoutID
	if parent == "" {
		return path
	}
	return path + "?" + url.Values{ParentParam: {parent}}.Encode()
}

// parent is the origin of the merchant's page that frames the checkout, as far as
// the merchant allows it; "": none does.
func (v *view) parent(r *http.Request) string {
	origin := r.URL.Query().Get(ParentParam)
	if !v.shown.Value.Presentation().Embedded() || !v.merchant.Value.AllowsOrigin(origin) {
		return ""
	}
	return origin
}

// path is where the checkout's page is, in the same frame as what was asked for.
func (v *view) path(r *http.Request) string { return FramePath(v.id, v.parent(r)) }

// showFrame says who may frame the page, and makes it fit for a frame: its addresses
// keep its parent's name, and it leads nowhere by itself.
func (v *view) showFrame(r *http.Request, out *page.View) {
	p := v.shown.Value.Presentation()
	if !p.Embedded() {
		return
	}
	out.FrameAncestors = v.merchant.Value.Settings.AllowedOrigins
	out.Frame = &page.Frame{Parent: v.parent(r), SessionID: v.sessionID, PayButton: p.PayButton()}
	if out.Frame.Parent == "" {
		return
	}
	query := "?" + url.Values{ParentParam: {out.Frame.Parent}}.Encode()
	for _, address := range []*string{&out.PageURL, &out.PayURL, &out.CancelURL} {
		if *address != "" {
			*address += query
		}
	}
	out.ReturnURL = "" // the customer has not left
}
