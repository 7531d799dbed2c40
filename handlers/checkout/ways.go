package checkout

import (
	"slices"
	"strings"

	"tender/domain/collect"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/handlers/checkout/page"
	"tender/projections/object"
)

// takes is what ways to pay there are for the merchant's sessions.
func (v *view) takes() collect.Takes { return v.service.Takes(v.merchant.Value) }

// ways are those by which the customer may pay. The rules that an attempt is held to
// are the same.
func (v *view) ways() []method.Way { return v.takes().Offered(v.session.Value) }

// way is one of them.
func (v *view) way(k method.Kind) (method.Way, bool) {
	ways := v.ways()
	i := slices.IndexFunc(ways, func(w method.Way) bool { return w.Kind == k })
	if i < 0 {
		return method.Way{}, false
	}
	return ways[i], true
}

// wayJSON is a way to pay, and what it lets the customer choose from.
type wayJSON struct {
	Type  method.Kind `json:"type"`
	Banks []bankJSON  `json:"banks,omitempty"`
}

type bankJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (v *view) wayJSON(w method.Way) wayJSON {
	out := wayJSON{Type: w.Kind}
	if w.AsksBank() {
		for _, b := range v.takes().Banks {
			out.Banks = append(out.Banks, bankJSON(b))
		}
	}
	return out
}

// asked is what the customer has to do elsewhere now; the zero Action is nothing.
func (v *view) asked() object.Action {
	if v.payment == nil || !v.payment.Value.WaitsForCustomer() || v.session.Value.CancelRequested != "" {
		return object.Action{}
	}
	return v.action.Value
}

// actionURL is where the customer has to go now, or "".
func (v *view) actionURL() string {
	if a := v.asked(); a.Kind == payment.ActionRedirect {
		return a.URL
	}
	return ""
}

// approval is what the customer has to approve on their telephone; ok is false where
// there is nothing. Only in test mode it names a page that plays the telephone.
func (v *view) approval() (a object.Action, ok bool) {
	a = v.asked()
	if v.shown.Value.Mode != "test" {
		a.URL = ""
	}
	return a, a.Kind == payment.ActionApprove
}

// testBanks is what the ids of banks that misbehave begin with; see docs/test-mode.md.
const testBanks = "test_bank_"

// showWays adds the ways to pay, and what concerns the one that was tried last.
func (v *view) showWays(out *page.View) {
	if v.payable() {
		for _, w := range v.ways() {
			shown := page.Method{Kind: string(w.Kind), Phone: w.AsksPhone(), Saves: w.Savable}
			for _, b := range v.wayJSON(w).Banks {
				shown.Banks = append(shown.Banks, page.Bank{ID: b.ID, Name: b.Name, Test: strings.HasPrefix(b.ID, testBanks)})
			}
			out.Methods = append(out.Methods, shown)
		}
		out.Values.Method = v.possible(out.Values.Method)
	}
	if v.payment == nil {
		return
	}
	if d := v.payment.Value.Attempt.Details; d.Account != nil {
		out.Kind, out.BankName, out.PhoneMasked = string(d.Type), d.Account.BankName, d.Account.Phone
	}
	if a, ok := v.approval(); ok {
		out.NextURL, out.ApproveBy = a.URL, a.By
	}
}

// possible is the way that is chosen until the customer chooses: the wanted one, if
// it is a saved method or offered. After a try by account that failed it is the same
// again.
func (v *view) possible(wanted string) string {
	if wanted != page.AnotherCard {
		return wanted
	}
	if v.payment != nil && v.shown.Value.LastPaymentError != nil {
		if w, offered := v.way(v.payment.Value.Attempt.Details.Type); offered {
			return string(w.Kind)
		}
	}
	if _, offered := v.way(method.KindCard); offered {
		return wanted
	}
	for _, w := range v.ways() {
		return string(w.Kind)
	}
	return wanted
}

func (v *view) nextAction() *nextAction {
	if url := v.actionURL(); url != "" {
		return &nextAction{Type: payment.ActionRedirect, URL: url}
	}
	if a, ok := v.approval(); ok {
		by := object.Time(a.By)
		return &nextAction{Type: payment.ActionApprove, URL: a.URL, ExpiresAt: &by}
	}
	return nil
}
