package invariants_test

import (
	"tender/domain/codec"
	"tender/domain/payment"
	"tender/eventstore"
)

// proposes is what Thandi says became of an operation.
func proposes(id, operation, key string, performed bool) codec.Named {
	return payment.ResolutionProposed{ResolutionID: id, Verdict: payment.Verdict{OperationID: operation, Key: key, Performed: performed}, By: "thandi"}
}

func confirms(id, by string) codec.Named {
	return payment.ResolutionConfirmed{ResolutionID: id, By: by}
}

func rejects(id string) codec.Named {
	return payment.ResolutionRejected{ResolutionID: id, By: "pieter"}
}

var (
	capturing = after(reserved, askCapture("c", 60))
	proposed  = after(capturing, proposes("res_1", "c", "k-c", true))
	lapsed    = after(proposed, captured("c", 60))
	byHand    = after(proposed, confirms("res_1", "pieter"), captured("c", 60))
)

var resolutionsSpoilt = []spoilt{
	{"payment-resolutions", "of nothing", paymentID, after(reserved, proposes("res_1", "c", "k-c", true)), nil, nil},
	{"payment-resolutions", "of another", paymentID, after(capturing, proposes("res_1", "d", "k-c", true)), nil, nil},
	{"payment-resolutions", "after the answer", paymentID, after(part, proposes("res_1", "c", "k-c", true)), nil, nil},
	{"payment-resolutions", "two at once", paymentID, after(proposed, proposes("res_2", "c", "k-c", false)), nil, nil},
	{"payment-resolutions", "one id twice", paymentID, after(proposed, rejects("res_1"), proposes("res_1", "c", "k-c", true)), nil, nil},
	{"payment-resolutions", "confirmed after the answer", paymentID, after(lapsed, confirms("res_1", "pieter")), nil, nil},
	{"payment-resolutions", "confirmed twice", paymentID, after(byHand, confirms("res_1", "pieter")), nil, nil},
	{"payment-resolutions", "rejected twice", paymentID, after(proposed, rejects("res_1"), rejects("res_1")), nil, nil},
	{"payment-second-person", "the same", paymentID, after(proposed, confirms("res_1", "thandi")), nil, nil},
	{"payment-second-person", "another actor", paymentID, proposed, func(e *eventstore.Event) { e.Actor.ID = "pieter" }, nil},
	{"payment-second-person", "no person", paymentID, proposed, func(e *eventstore.Event) { e.Actor.Kind = "system" }, nil},
	{"payment-confirmed", "something else follows", paymentID, after(proposed, confirms("res_1", "pieter"), askCapture("d", 1)), nil, nil},
	{"payment-confirmed", "the opposite follows", paymentID, after(proposed, confirms("res_1", "pieter"), payment.CaptureFailed{CaptureID: "c", Amount: 60, Currency: "ZAR"}), nil, nil},
}
