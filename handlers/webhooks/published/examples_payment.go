package published

import (
	"slices"
	"time"

	"tender/domain/decline"
	"tender/domain/method"
	"tender/domain/payment"
)

// paymentOf is the example of a payment that begins with an attempt.
func paymentOf(name, told string, capture payment.CaptureMethod, events ...payment.Event) example {
	first := []payment.Event{
		payment.Initiated{
			SessionID: sessionID, Amount: 100_000, Currency: "ZAR", Country: "ZA", CaptureMethod: capture, Intent: payment.IntentPayment,
			Acquirer: "simulator", ExternalReference: "order-1042", Metadata: map[string]string{"basket": "b-77"},
		},
		attempt(method.CardOf(visa)),
	}
	return example{name, told, stream(payment.Codec, paymentID, append(first, events...))}
}

// byAccount is a payment that is made with another kind of method than a card.
func byAccount(name, told string, d method.Details, events ...payment.Event) example {
	first := []payment.Event{
		payment.Initiated{
			SessionID: sessionID, Amount: 100_000, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureAutomatic,
			Intent: payment.IntentPayment, Acquirer: "simulator",
		},
		attempt(d),
	}
	return example{name, told, stream(payment.Codec, paymentID, append(first, events...))}
}

func ofAccount(f decline.Failure) decline.Failure {
	f.Account = true
	return f
}

func attempt(d method.Details) payment.AttemptStarted {
	return payment.AttemptStarted{
		AttemptID: attemptID, Number: 1, Key: paymentID + "-1", AnswerBy: begins.Add(15 * time.Second), Details: d,
	}
}

func authorised() payment.Authorised {
	return payment.Authorised{
		AttemptID: attemptID, Amount: 100_000, Currency: "ZAR", Reference: "SIM-7Q2M4K", NetworkTransactionID: "ntx_4410",
		ThreeDSecure: "frictionless", ExpiresAt: begins.Add(7 * 24 * time.Hour),
	}
}

func paid() payment.Paid {
	return payment.Paid{AttemptID: attemptID, Amount: 100_000, Currency: "ZAR", Reference: "SIM-7Q2M4K", NetworkTransactionID: "ntx_4410"}
}

func paymentExamples() []example {
	const succeeded, attemptFailed, failed = "payment.succeeded", "payment.attempt_failed", "payment.failed"
	verified := []payment.Event{
		payment.Initiated{
			SessionID: sessionID, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureAutomatic,
			Intent: payment.IntentVerification, Acquirer: "simulator", CustomerID: customerID,
		},
		attempt(method.CardOf(visa)),
		payment.Verified{
			AttemptID: attemptID, Reference: "SIM-7Q2M4K", NetworkTransactionID: "ntx_4410", CustomerID: customerID,
			PaymentMethodID: methodID, MandateID: mandateID,
		},
	}
	sold := payment.Paid{AttemptID: attemptID, Amount: 100_000, Currency: "ZAR", Reference: "SIM-7Q2M4K"}
	approve := payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionApprove, ActionBy: begins.Add(15 * time.Minute)}
	unanswered := payment.AttemptFailed{AttemptID: attemptID, Failure: ofAccount(decline.New(decline.TimedOut, ""))}
	refused := payment.AttemptFailed{AttemptID: attemptID, Failure: ofAccount(insufficient)}
	return []example{
		byAccount(succeeded+".instant_eft", succeeded, method.AccountOf(method.KindInstantEFT, method.AccountDetails{Bank: "fnb", BankName: "FNB"}), sold),
		byAccount(succeeded+".capitec_pay", succeeded, method.AccountOf(method.KindCapitecPay, phone), approve, sold),
		byAccount(attemptFailed+".mtn_momo", attemptFailed, method.AccountOf(method.KindMTNMoMo, phone), approve, unanswered),
		byAccount(attemptFailed+".capitec_pay", attemptFailed, method.AccountOf(method.KindCapitecPay, phone), approve, refused),
		paymentOf(succeeded, succeeded, payment.CaptureAutomatic, paid()),
		paymentOf(succeeded+".authorised", succeeded, payment.CaptureManual, authorised()),
		{succeeded + ".verified", succeeded, stream(payment.Codec, paymentID, verified)},
		paymentOf(attemptFailed, attemptFailed, payment.CaptureManual, payment.AttemptFailed{AttemptID: attemptID, Failure: insufficient}),
		paymentOf(failed, failed, payment.CaptureManual, payment.AttemptFailed{AttemptID: attemptID, Failure: insufficient, Final: true}),
		paymentOf("payment.authorisation_expired", "payment.authorisation_expired", payment.CaptureManual,
			authorised(), payment.AuthorisationExpired{Amount: 100_000, Currency: "ZAR"}),
	}
}

func operationExamples() []example {
	by := begins.Add(time.Hour)
	capture := []payment.Event{authorised(), payment.CaptureRequested{
		CaptureID: captureID, Amount: 60_000, Currency: "ZAR", Key: paymentID + "-" + captureID, AnswerBy: by,
		Metadata: map[string]string{"parcel": "1"},
	}}
	void := []payment.Event{authorised(), payment.VoidRequested{
		VoidID: voidID, Amount: 100_000, Currency: "ZAR", Key: paymentID + "-" + voidID, AnswerBy: by,
	}}
	refund := []payment.Event{paid(), payment.RefundRequested{
		RefundID: refundID, Amount: 20_000, Currency: "ZAR", Key: paymentID + "-" + refundID, AnswerBy: by,
		Reason: "one of three was damaged",
	}}
	refunded := payment.Refunded{RefundID: refundID, Amount: 20_000, Currency: "ZAR", Reference: "SIM-9R1T5B"}
	refundFailed := payment.RefundFailed{RefundID: refundID, Amount: 20_000, Currency: "ZAR", Failure: insufficient}
	late := refundFailed
	late.Late = true
	of := func(name, told string, capture payment.CaptureMethod, before []payment.Event, events ...payment.Event) example {
		return paymentOf(name, told, capture, slices.Concat(before, events)...)
	}
	return []example{
		of("payment.captured", "payment.captured", payment.CaptureManual, capture,
			payment.Captured{CaptureID: captureID, Amount: 60_000, Currency: "ZAR", Reference: "SIM-8K3W2D"}),
		of("payment.capture_failed", "payment.capture_failed", payment.CaptureManual, capture,
			payment.CaptureFailed{CaptureID: captureID, Amount: 60_000, Currency: "ZAR", Failure: insufficient}),
		of("payment.voided", "payment.voided", payment.CaptureManual, void,
			payment.Voided{VoidID: voidID, Amount: 100_000, Currency: "ZAR", Reference: "SIM-8K3W2D"}),
		of("payment.void_failed", "payment.void_failed", payment.CaptureManual, void,
			payment.VoidFailed{VoidID: voidID, Amount: 100_000, Currency: "ZAR", Failure: insufficient}),
		of("payment.refunded", "payment.refunded", payment.CaptureAutomatic, refund, refunded),
		of("payment.refund_failed", "payment.refund_failed", payment.CaptureAutomatic, refund, refundFailed),
		of("payment.refund_failed.late", "payment.refund_failed", payment.CaptureAutomatic, refund, refunded, late),
	}
}
