package audit

import (
	"bytes"
	"encoding/csv"
	"math/big"
	"strings"
	"testing"

	"tender/domain"
	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/payment"
)

// Cells that a spreadsheet would run are defused; numbers and our own words are left
// alone; whatever a cell holds can be read back.
func TestCells(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"=1+1": "'=1+1", "+27 11": "'+27 11", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx",
		"": "", "plain": "plain", "a=b": "a=b", `say "yes", or`: `say "yes", or`, "two\nlines": "two\nlines", " padded ": " padded ", "é✓": "é✓",
		"cr\rwithin": "cr\rwithin",
	} {
		var b bytes.Buffer
		writeRecord(&b, []cell{text(given), plain("-100"), number(-7)})
		r := csv.NewReader(bytes.NewReader(b.Bytes()))
		record, err := r.Read()
		if err != nil || record[0] != want || record[1] != "-100" || record[2] != "-7" {
			t.Errorf("%q is written as %q and read as %q, %v", given, b.String(), record, err)
		}
		if !strings.HasSuffix(b.String(), ",-100,-7\r\n") {
			t.Errorf("%q is written as %q", given, b.String())
		}
	}
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for _, c := range []struct {
		minor    *big.Int
		currency string
		want     string
	}{
		{big.NewInt(0), "ZAR", "0.00"}, {big.NewInt(5), "ZAR", "0.05"}, {big.NewInt(-5), "ZAR", "-0.05"}, {big.NewInt(123456), "ZAR", "1234.56"},
		{big.NewInt(1000), "JPY", "1000"}, {big.NewInt(-1), "BHD", "-0.001"}, {huge, "ZAR", "-1234567890123456789012345678.90"},
		{big.NewInt(1), "XAU", ""}, {big.NewInt(1), "???", ""},
	} {
		if got := decimal(c.minor, c.currency); got != c.want {
			t.Errorf("%s of %s is %q, not %q", c.minor, c.currency, got, c.want)
		}
	}
}

// silent is an event of which nothing is known but its type.
type silent string

func (s silent) Type() string { return string(s) }

// Whatever happens is said in words.
func TestEveryEventHasWords(t *testing.T) {
	t.Parallel()
	spoken := map[string]bool{}
	for _, e := range []codec.Named{
		payment.Initiated{}, payment.AttemptStarted{}, payment.Authorised{}, payment.Paid{}, payment.AttemptFailed{}, payment.CaptureRequested{},
		payment.Captured{}, payment.CaptureFailed{}, payment.VoidRequested{}, payment.Voided{}, payment.VoidFailed{}, payment.RefundRequested{},
		payment.Refunded{}, payment.RefundFailed{}, payment.AuthorisationExpired{}, payment.ReversalRequested{}, payment.Reversed{},
		payment.ReversalFailed{}, payment.Contradicted{}, payment.ResolutionProposed{},
	} {
		spoken[e.Type()] = strings.HasSuffix(Words(e), ".")
	}
	for _, name := range catalogue.Names() {
		if said := Words(silent(name)); !strings.HasSuffix(said, ".") && !spoken[name] && !composed[name] {
			t.Errorf("nothing is said of %s", name)
		}
	}
	for name := range sentences {
		if _, _, known := strings.Cut(name, "."); !known || !knownType(name) {
			t.Errorf("something is said of %s, which there isn't", name)
		}
	}
}

// composed are the types whose words hold something of the event.
var composed = map[string]bool{
	"session.created": true, "session.attempt_failed": true, "session.completed": true,
	"mandate.charge_started": true, "mandate.charge_succeeded": true, "mandate.charge_failed": true, "mandate.charge_reduced": true, "mandate.revoked": true,
	"subscription.charge_started": true, "subscription.charge_succeeded": true, "subscription.charge_failed": true,
	"webhook.delivered": true, "webhook.exhausted": true,
	"read_model.event_skipped": true, "read_model.event_restored": true,
}

func TestBy(t *testing.T) {
	t.Parallel()
	for kind, want := range map[domain.ActorKind]string{
		domain.ActorMerchant: "the merchant, with key x", domain.ActorCustomer: "the customer, at checkout x", domain.ActorStaff: "a member of the staff, x",
		domain.ActorAcquirer: "the acquirer x", domain.ActorSystem: "Tender itself, x", "ghost": "ghost x",
	} {
		if got := by(domain.Actor{Kind: kind, ID: "x"}); got != want {
			t.Errorf("%s: by %q", kind, got)
		}
	}
}
