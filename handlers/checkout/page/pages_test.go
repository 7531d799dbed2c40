package page_test

import (
	"time"

	"tender/domain/method"
	"tender/handlers/checkout/page"
)

// view is the card form of a test session; tests change what they are about.
func view(state page.State, change func(*page.View)) page.View {
	v := page.View{
		State: state, Nonce: nonce, Test: true,
		Merchant: "Karoo Coffee Roasters", Amount: 124900, Currency: "ZAR", Reference: "ORDER-10442",
		ExpiresAt: time.Date(2026, time.November, 23, 16, 50, 0, 0, time.UTC),
		PageURL:   checkout, PayURL: checkout + "/attempts", CancelURL: checkout + "/cancel", StateURL: checkout + "/state",
		ReturnURL: "https://karoo.example/thanks?basket=7&session_id=ps_01hzy3v7q8e4xk2m9c5b7d6f0a#done",
		CSRF:      "csrf-of-a-test", AttemptID: "att_01hzy3v7q8e4xk2m9c5b7d6f0a",
		Shown: page.Shown{Status: "active", Outcome: "not_started"},
	}
	if change != nil {
		change(&v)
	}
	return v
}

// everyPage has one view per page that a customer can meet, by golden file.
func everyPage() map[string]page.View {
	receipt := func(v *page.View) {
		v.LeadOn, v.StateURL = true, ""
		v.Receipt = page.Receipt{
			PaymentID: "pay_01hzy3v7q8e4xk2m9c5b7d6f0a", Scheme: "VISA", Last4: "4242",
			At: time.Date(2026, time.November, 22, 16, 53, 0, 0, time.UTC),
		}
	}
	lead := func(v *page.View) { v.LeadOn = true }
	all := map[string]page.View{
		"form":      view(page.StateForm, nil),
		"form_live": view(page.StateForm, func(v *page.View) { v.Test, v.Reference, v.CancelURL = false, "", "" }),
		"form_errors": view(page.StateForm, func(v *page.View) {
			v.Values = page.Values{Exp: "10 / 26", Name: `Ama "Nana" <Mensah>`}
			v.Problems = []method.FieldProblem{
				{Field: method.FieldNumber, Code: method.CodeInvalidNumber},
				{Field: method.FieldExpYear, Code: method.CodeExpired},
				{Field: method.FieldCVC, Code: method.CodeRequired},
			}
		}),
		"declined": view(page.StateDeclined, func(v *page.View) {
			v.LastError, v.AttemptsLeft = "card_declined", 2
			v.Shown = page.Shown{Status: "active", Outcome: "pending", LastErrorAt: "2026-11-22T16:53:00.000Z"}
		}),
		"ways":       view(page.StateForm, ways),
		"ways_saved": view(page.StateForm, func(v *page.View) { saved(v); ways(v) }),
		"ways_saved_phone": view(page.StateForm, func(v *page.View) {
			saved(v)
			ways(v)
			v.SavedMethods = append([]page.SavedMethod{{ID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0d", Kind: "capitec_pay", Phone: "•••• 4567"}}, v.SavedMethods...)
			v.Values.Method = v.SavedMethods[0].ID
		}),
		"ways_bank": view(page.StateForm, func(v *page.View) {
			ways(v)
			v.Values.Method = "instant_eft"
			v.Problems = []method.FieldProblem{{Field: page.FieldBank, Code: method.CodeRequired}}
		}),
		"ways_phone": view(page.StateForm, func(v *page.View) {
			ways(v)
			v.Values.Method, v.Values.Phone = "capitec_pay", "082 12"
			v.Problems = []method.FieldProblem{{Field: page.FieldPhone, Code: page.CodeInvalid}}
		}),
		"ways_declined": view(page.StateDeclined, func(v *page.View) {
			ways(v)
			v.LastError, v.Kind, v.Values = "customer_cancelled", "instant_eft", page.Values{Method: "instant_eft", Bank: "fnb"}
		}),
		"one_way_bank":  view(page.StateForm, func(v *page.View) { ways(v); v.Methods = v.Methods[1:2] }),
		"one_way_phone": view(page.StateForm, func(v *page.View) { ways(v); series(v); v.Saves, v.Methods = true, v.Methods[2:3] }),
		"one_way_new": view(page.StateForm, func(v *page.View) {
			v.Methods = []page.Method{{Kind: "new_wallet", Name: "New Wallet"}}
		}),
		"approving": view(page.StateApproving, func(v *page.View) {
			v.Kind, v.PhoneMasked, v.NextURL = "capitec_pay", "•••• 4567", "https://acs.bank.example/phone?id=1"
			v.ApproveBy = time.Date(2026, time.November, 22, 17, 8, 0, 0, time.UTC)
			v.Shown = page.Shown{Status: "active", Outcome: "pending", NextActionURL: v.NextURL}
		}),
		"approving_live": view(page.StateApproving, func(v *page.View) {
			v.Kind, v.PhoneMasked, v.Test, v.CancelURL = "mtn_momo", "•••• 4567", false, ""
		}),
		"redirecting_bank": view(page.StateRedirecting, func(v *page.View) {
			v.Kind, v.BankName, v.NextURL = "instant_eft", "FNB", "https://acs.bank.example/pay?id=1"
		}),
		"processing_bank": view(page.StateProcessing, func(v *page.View) { v.Kind, v.Shown.Outcome = "instant_eft", "pending" }),
		"processing_back": view(page.StateProcessing, func(v *page.View) {
			v.Kind, v.BankName, v.NextURL = "instant_eft", "FNB", "https://acs.bank.example/pay?id=1"
			v.Shown = page.Shown{Status: "active", Outcome: "pending", NextActionURL: v.NextURL}
		}),
		"succeeded_bank": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Receipt.Kind, v.Receipt.BankName, v.Receipt.Scheme, v.Receipt.Last4 = "paid", "instant_eft", "FNB", "", ""
		}),
		"succeeded_phone": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Saved, v.Agreed = "paid", true, terms
			v.Receipt.Kind, v.Receipt.Phone, v.Receipt.Scheme, v.Receipt.Last4 = "capitec_pay", "•••• 4567", "", ""
		}),
		"redirecting": view(page.StateRedirecting, func(v *page.View) {
			v.NextURL, v.LeadOn = "https://acs.bank.example/challenge?id=1&lang=en", true
		}),
		"redirecting_back": view(page.StateRedirecting, func(v *page.View) { v.NextURL = "https://acs.bank.example/challenge?id=1" }),
		"processing":       view(page.StateProcessing, func(v *page.View) { v.Shown.Outcome = "pending" }),
		"succeeded": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome = "paid"
		}),
		"succeeded_receipt": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.ReturnURL, v.Test = "paid", "", false
		}),
		"reserved": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.ReturnURL = "reserved", "karoo-app://paid/ps_1?session_id=ps_1"
		}),
		"series": view(page.StateForm, func(v *page.View) { series(v); v.Saves = true }),
		"series_errors": view(page.StateForm, func(v *page.View) {
			series(v)
			v.Values.Exp = "10 / 30"
			v.Problems = []method.FieldProblem{
				{Field: method.FieldNumber, Code: method.CodeRequired}, {Field: method.FieldCVC, Code: method.CodeRequired},
				{Field: page.FieldAccept, Code: method.CodeRequired},
			}
		}),
		"saved": view(page.StateForm, saved),
		"saved_gone": view(page.StateForm, func(v *page.View) {
			saved(v)
			v.Values = page.Values{Method: "pmt_gone", Save: true}
			v.Problems = []method.FieldProblem{{Field: page.FieldMethod, Code: page.CodeGone}}
		}),
		"saved_declined": view(page.StateDeclined, func(v *page.View) {
			saved(v)
			v.LastError, v.Values.Method, v.SavedNeedCVC, v.AsksToSave = "card_declined", page.AnotherCard, false, false
		}),
		"saved_series": view(page.StateForm, func(v *page.View) {
			saved(v)
			series(v)
			v.AsksToSave, v.Verifies = false, true
		}),
		"verify": view(page.StateForm, func(v *page.View) { v.Verifies, v.Saves = true, true }),
		"verify_declined": view(page.StateDeclined, func(v *page.View) {
			v.Verifies, v.Saves, v.LastError = true, true, "card_declined"
		}),
		"verify_redirecting": view(page.StateRedirecting, func(v *page.View) {
			v.Verifies, v.NextURL = true, "https://acs.bank.example/challenge?id=1"
		}),
		"verified": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Verifies, v.Outcome, v.Saved = true, "payment_method_verified", true
		}),
		"succeeded_series": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Saved, v.Agreed, v.AgreedLang = "paid", true, terms, "en"
		}),
		"succeeded_saved": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Saved = "paid", true
		}),
		"branded":           view(page.StateForm, branded),
		"branded_succeeded": view(page.StateSucceeded, func(v *page.View) { receipt(v); branded(v); v.Outcome, v.Logo.OnDark = "paid", true }),
		"branded_expired":   view(page.StateExpired, func(v *page.View) { branded(v); v.Logo, v.SupportURL = page.Logo{}, "tel:+27215550100" }),

		"expired":   view(page.StateExpired, lead),
		"cancelled": view(page.StateCancelled, lead),
		"failed":    view(page.StateFailed, func(v *page.View) { v.ReturnURL = "" }),
		"not_found": {State: page.StateNotFound, Nonce: nonce},
	}
	for _, p := range []page.Problem{
		page.ProblemFormToken, page.ProblemCrossSite, page.ProblemBadForm,
		page.ProblemAttemptInProgress, page.ProblemTooManyRequests, page.ProblemUnavailable,
	} {
		all["problem_"+string(p)] = page.View{
			State: page.StateProblem, Nonce: nonce, Problem: p, PageURL: checkout, Merchant: "Karoo Coffee Roasters",
		}
	}
	return all
}

// ways offers all kinds of ways to pay.
func ways(v *page.View) {
	v.Methods = []page.Method{
		{Kind: page.AnotherCard, Saves: true},
		{Kind: "instant_eft", Banks: []page.Bank{
			{ID: "absa", Name: "Absa"}, {ID: "african_bank", Name: "African Bank"}, {ID: "capitec", Name: "Capitec"}, {ID: "discovery", Name: "Discovery Bank"},
			{ID: "fnb", Name: "FNB"}, {ID: "investec", Name: "Investec"}, {ID: "nedbank", Name: "Nedbank"}, {ID: "standard_bank", Name: "Standard Bank"}, {ID: "tyme", Name: "TymeBank"},
			{ID: "test_bank_refuses", Name: "Test: the bank refuses", Test: true}, {ID: "test_bank_answers_late", Name: "Test: the bank answers late", Test: true},
		}},
		{Kind: "capitec_pay", Phone: true, Saves: true},
		{Kind: "mtn_momo", Phone: true},
	}
}

// branded gives the page a merchant's looks.
func branded(v *page.View) {
	v.Colour, v.SupportURL, v.LegalText = "#8a3b12", "https://karoo.example/help", "Karoo Coffee Roasters (Pty) Ltd\nReg. <2009>"
	v.Logo = page.Logo{URL: "/logos/lgo_0xy7p4c2m1vt4b12sn0vnfjn74.png", Width: 320, Height: 96}
}

// terms are the sentences of a monthly mandate.
var terms = []string{
	"You allow Karoo Coffee Roasters to charge up to ZAR 50.00 at a time to the payment method that you use now, without asking you again.",
	"Payments are planned for the 1st of every month.",
	"This holds from 1 January 2027 to 31 December 2027.",
	"Dates are days in the time zone Africa/Johannesburg.",
}

// series asks the customer to agree to later payments.
func series(v *page.View) { v.Terms, v.TermsToken = terms, "token-of-the-terms" }

// saved offers two saved cards and one that has expired.
func saved(v *page.View) {
	v.AsksToSave, v.SavedNeedCVC = true, true
	v.SavedMethods = []page.SavedMethod{
		{ID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0a", Scheme: "VISA", Last4: "4242", ExpMonth: 12, ExpYear: 2031, CVCDigits: 3},
		{ID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0b", Scheme: "AMEX", Last4: "0005", ExpMonth: 4, ExpYear: 2028, CVCDigits: 4},
		{ID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0c", Scheme: "MASTERCARD", Last4: "4444", ExpMonth: 2, ExpYear: 2025, CVCDigits: 3, Expired: true},
	}
	v.Values.Method = v.SavedMethods[0].ID
}
