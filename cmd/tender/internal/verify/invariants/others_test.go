package invariants_test

import (
	"time"

	"tender/domain"
	"tender/domain/clock"
	"tender/domain/codec"
	"tender/domain/customer"
	"tender/domain/logo"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/readmodel"
	"tender/domain/recovery"
	"tender/domain/staff"
	"tender/domain/webhook"
	"tender/eventstore"
)

const (
	customerID = "cus_01hzy3v7q8e4xk2m9c5b7d6f0a"
	methodID   = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0a"
	endpointID = "whe_01hzy3v7q8e4xk2m9c5b7d6f0a"
	eventID    = "evt_01hzy3v7q8e4xk2m9c5b7d6f0a"
	recoveryID = "whr_01hzy3v7q8e4xk2m9c5b7d6f0a"
	clockID    = "clk_01hzy3v7q8e4xk2m9c5b7d6f0a"
	staffID    = "stf_01hzy3v7q8e4xk2m9c5b7d6f0a"
)

var deliveryID = webhook.DeliveryID(eventID, endpointID)

var (
	endpointCreated = webhook.EndpointCreated{URL: "https://shop.example", Events: []string{"*"}}
	delivered       = webhook.Delivered{EndpointID: endpointID, EventID: eventID, Attempts: 1, Status: 200}
	exhausted       = webhook.Exhausted{EndpointID: endpointID, EventID: eventID, Attempts: 9}
	resent          = webhook.Resent{EndpointID: endpointID, EventID: eventID, Attempts: 9}

	known     = []codec.Named{customer.Created{}}
	saved     = []codec.Named{method.Saved{CustomerID: customerID}}
	endpoint  = []codec.Named{endpointCreated}
	recovers  = []codec.Named{recovery.Started{EndpointID: endpointID}}
	atNoon    = []codec.Named{clock.Created{FrozenTime: noon}}
	onItsWay  = after(atNoon, clock.AdvanceStarted{To: noon.Add(time.Hour)})
	shop      = []codec.Named{merchant.Created{}}
	leftOut   = readmodel.EventSkipped{Position: 7, Stream: paymentID, Reason: "it can't be folded"}
	colleague = []codec.Named{staff.Added{Name: "Ada"}, staff.KeyIssued{KeyID: "k", ExpiresAt: noon.Add(time.Hour)}}
)

var othersSpoilt = []spoilt{
	{"customer-belongings", "a method twice", customerID, after(known, customer.MethodSaved{PaymentMethodID: "m"}, customer.MethodSaved{PaymentMethodID: "m"}), nil, nil},
	{"customer-belongings", "a mandate that is not theirs", customerID, after(known, customer.MandateEnded{MandateID: "m"}), nil, nil},
	{"customer-belongings", "a subscription that has ended", customerID, after(known, customer.SubscriptionAdded{SubscriptionID: "s"}, customer.SubscriptionEnded{SubscriptionID: "s"}, customer.SubscriptionEnded{SubscriptionID: "s"}), nil, nil},
	{"customer-payments", "open twice", customerID, after(known, customer.PaymentOpened{PaymentID: "p"}, customer.PaymentOpened{PaymentID: "p"}), nil, nil},
	{"customer-payments", "closed though it was not open", customerID, after(known, customer.PaymentClosed{PaymentID: "p"}), nil, nil},
	{"customer-erased", "with an open payment", customerID, after(known, customer.PaymentOpened{PaymentID: "p"}, customer.Erased{}), nil, nil},
	{"customer-erased", "something of theirs after it", customerID, after(known, customer.Erased{}, customer.MethodSaved{PaymentMethodID: "m"}), nil, nil},
	{"method-mandates", "one twice", methodID, after(saved, method.MandateAdded{MandateID: "m"}, method.MandateAdded{MandateID: "m"}), nil, nil},
	{"method-mandates", "one that was not there", methodID, after(saved, method.MandateEnded{MandateID: "m"}), nil, nil},
	{"method-usable", "unusable twice", methodID, after(saved, method.BecameUnusable{}, method.BecameUnusable{}), nil, nil},
	{"method-usable", "verified though it was good", methodID, after(saved, method.Verified{}), nil, nil},
	{"method-removed", "used after that", methodID, after(saved, method.Removed{}, method.BecameUnusable{}), nil, nil},
	{"endpoint-turns", "paused twice", endpointID, after(endpoint, webhook.EndpointPaused{}, webhook.EndpointPaused{}), nil, nil},
	{"endpoint-turns", "healed though it was well", endpointID, after(endpoint, webhook.EndpointHealed{}), nil, nil},
	{"endpoint-turns", "fails while it is paused", endpointID, after(endpoint, webhook.EndpointPaused{}, webhook.EndpointFailing{}), nil, nil},
	{"endpoint-recoveries", "two at once", endpointID, after(endpoint, webhook.EndpointRecoveryStarted{RecoveryID: "r"}, webhook.EndpointRecoveryStarted{RecoveryID: "s"}), nil, nil},
	{"endpoint-recoveries", "of a disabled one", endpointID, after(endpoint, webhook.EndpointDisabled{}, webhook.EndpointRecoveryStarted{RecoveryID: "r"}), nil, nil},
	{"endpoint-recoveries", "another ends", endpointID, after(endpoint, webhook.EndpointRecoveryStarted{RecoveryID: "r"}, webhook.EndpointRecoveryEnded{RecoveryID: "s"}), nil, nil},
	{"endpoint-deleted", "tested after that", endpointID, after(endpoint, webhook.EndpointDeleted{}, webhook.EndpointTested{}), nil, nil},
	{"delivery-id", "another event's", deliveryID, []codec.Named{webhook.Delivered{EndpointID: endpointID, EventID: "evt_other"}}, nil, nil},
	{"delivery-outcome", "it arrives twice", deliveryID, []codec.Named{delivered, delivered}, nil, nil},
	{"delivery-outcome", "given up after it has arrived", deliveryID, []codec.Named{delivered, exhausted}, nil, nil},
	{"delivery-outcome", "given up without a new try", deliveryID, []codec.Named{exhausted, resent, exhausted}, nil, nil},
	{"recovery-end", "twice", recoveryID, after(recovers, recovery.Completed{}, recovery.Stopped{}), nil, nil},
	{"recovery-end", "more than there was", recoveryID, after(recovers, recovery.Completed{Examined: 1, Resent: 2}), nil, nil},
	{"clock-forward", "sent back", clockID, after(atNoon, clock.AdvanceStarted{To: noon}), nil, nil},
	{"clock-forward", "beyond where it was sent", clockID, after(onItsWay, clock.Stepped{To: noon.Add(2 * time.Hour)}), nil, nil},
	{"clock-way", "sent twice", clockID, after(onItsWay, clock.AdvanceStarted{To: noon.Add(2 * time.Hour)}), nil, nil},
	{"clock-way", "steps while it stands", clockID, after(onItsWay, clock.Stepped{To: noon.Add(time.Hour)}, clock.AdvanceFinished{}, clock.AdvanceFinished{}), nil, nil},
	{"clock-way", "arrives too soon", clockID, after(onItsWay, clock.AdvanceFinished{}), nil, nil},
	{"clock-way", "deleted on its way", clockID, after(onItsWay, clock.Deleted{}), nil, nil},
	{"clock-deleted", "sent after that", clockID, after(atNoon, clock.Deleted{}, clock.AdvanceStarted{To: noon.Add(time.Hour)}), nil, nil},
	{"merchant-keys", "one twice", merchantID, after(shop, merchant.KeyIssued{KeyID: "k"}, merchant.KeyIssued{KeyID: "k"}), nil, nil},
	{"merchant-keys", "one that was never issued", merchantID, after(shop, merchant.KeyRevoked{KeyID: "k"}), nil, nil},
	{"merchant-endpoints", "one twice", merchantID, after(shop, merchant.EndpointAdded{EndpointID: "e"}, merchant.EndpointAdded{EndpointID: "e"}), nil, nil},
	{"merchant-slowed", "without a reason", merchantID, after(shop, merchant.Slowed{Attempts: 10, Failed: 5}), nil, nil},
	{"merchant-slowed", "released though they were not", merchantID, after(shop, merchant.Released{}), nil, nil},
	{"staff-keys", "revoked twice", staffID, after(colleague, staff.KeyRevoked{KeyID: "k"}, staff.KeyRevoked{KeyID: "k"}), nil, nil},
	{"access-record", "another's", "acc_01hzy3v7q8e4xk2m9c5b7d6f0a_20260504", []codec.Named{staff.Accessed{KeyID: "k"}}, func(e *eventstore.Event) { e.Actor.ID = "stf_other" }, nil},
	{"access-record", "of another day", "acc_01hzy3v7q8e4xk2m9c5b7d6f0a_20260505", []codec.Named{staff.Accessed{KeyID: "k"}}, func(e *eventstore.Event) { e.Actor.ID = staffID }, nil},
	{"access-record", "by nobody of the staff", "acc_01hzy3v7q8e4xk2m9c5b7d6f0a_20260504", []codec.Named{staff.Accessed{KeyID: "k"}}, func(e *eventstore.Event) { e.Actor = domain.Actor{Kind: domain.ActorMerchant, ID: staffID} }, nil},
	{"read-model-decisions", "twice", "prj_payments", []codec.Named{leftOut, leftOut}, nil, nil},
	{"read-model-decisions", "what is not left out", "prj_payments", []codec.Named{readmodel.EventRestored{Position: 7, Stream: paymentID, Reason: "it is mended"}}, nil, nil},
	{"read-model-decisions", "without a reason", "prj_payments", []codec.Named{readmodel.EventSkipped{Position: 7, Stream: paymentID}}, nil, nil},
	{"read-model-decisions", "what is still to come", "prj_payments", []codec.Named{readmodel.EventSkipped{Position: 1000, Stream: paymentID, Reason: "it can't be folded"}}, nil, nil},
	{"read-model-decisions", "by nobody", "prj_payments", []codec.Named{leftOut}, func(e *eventstore.Event) { e.Actor.Kind = domain.ActorSystem }, nil},
	{"logo-id", "another picture", "lgo_01hzy3v7q8e4xk2m9c5b7d6f0a", []codec.Named{logo.Stored{PNG: []byte("x")}}, nil, nil},
}
