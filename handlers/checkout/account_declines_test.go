package checkout_test

import (
	"net/http"
	"testing"
)

// What an account declines is told as of an account, the merchant and the customer:
// who keeps it need not be a bank.
func TestDeclinedByTheAccount(t *testing.T) {
	t.Parallel()
	h := open(t)
	const message = "The payment was declined: the account's funds or its limit do not suffice."
	want := object{
		"last_payment_error.error_code": "card_declined", "last_payment_error.decline_code": "insufficient_funds", "last_payment_error.message": message,
	}
	for _, attempt := range []object{byBank("test_bank_refuses"), byPhone("mtn_momo", "082 123 9995")} {
		k := h.sells(t)
		h.Decide(t, k.pays(attempt).Is(http.StatusOK).Text("next_action.url"), "approve")
		eventually(t, "it is declined", func() bool { return k.state().At("last_payment_error") != nil })
		discreet(t, k.state())
		k.state().Shows(object{"last_payment_error.message": "The payment was declined. Try again, or choose another way to pay."})
		k.session().Shows(want)
		k.payment().Shows(want)
	}

	k := h.sells(t)
	h.Decide(t, k.pays(byPhone("mtn_momo", "082 123 0507")).Is(http.StatusOK).Text("next_action.url"), "refuse")
	eventually(t, "the customer's no is heard", func() bool { return k.state().At("last_payment_error") != nil })
	k.state().Shows(object{
		"last_payment_error.error_code": "customer_cancelled",
		"last_payment_error.message":    "You did not approve the payment. Try again, or choose another way to pay.",
	})

	k = h.sells(t)
	h.Decide(t, k.pays(byPhone("capitec_pay", "082 123 0507")).Is(http.StatusOK).Text("next_action.url"), "approve")
	eventually(t, "it is paid", func() bool { return k.state().Text("payment_outcome") == "paid" })
	refused := k.merchant.Refund(k.payment().Text("id"), 4_000).Problem(http.StatusPaymentRequired, "refund_declined")
	if want := "The acquirer declined the refund: the reason of the account's provider is not known."; refused.Text("detail") != want {
		t.Errorf("the refund is refused with %q", refused.Text("detail"))
	}
}
