package id_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tender/domain/id"
)

// kinds lists every prefix there is.
var kinds = []id.Prefix{
	id.Session, id.Payment, id.Capture, id.Void, id.Reversal, id.Checkout, id.Attempt,
	id.Event, id.Endpoint, id.Delivery, id.Request, id.Merchant, id.Key, id.Staff,
}

// Identifiers stand in the log for ever: what a UUID looks like never changes.
func TestFormatKeepsItsText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefix id.Prefix
		uuid   string
		want   string
	}{
		{id.Payment, "00000000-0000-0000-0000-000000000000", "pay_00000000000000000000000000"},
		{id.Session, "00000000-0000-0000-0000-000000000001", "ps_00000000000000000000000001"},
		{id.Capture, "00000000-0000-0000-0000-00000000001f", "cap_0000000000000000000000000z"},
		{id.Void, "00000000-0000-0000-0000-000000000020", "voi_00000000000000000000000010"},
		{id.Reversal, "80000000-0000-0000-0000-000000000000", "rev_40000000000000000000000000"},
		{id.Checkout, "ffffffff-ffff-ffff-ffff-ffffffffffff", "ckt_7zzzzzzzzzzzzzzzzzzzzzzzzz"},
		{id.Event, "01900000-0000-7000-8000-000000000001", "evt_01j0000000e008000000000001"},
	} {
		u := uuid.MustParse(c.uuid)
		if got := id.Format(c.prefix, u); got != c.want {
			t.Errorf("%s is written %s, not %s", c.uuid, got, c.want)
		}
		if back, ok := id.Parse(c.prefix, c.want); !ok || back != u {
			t.Errorf("%s is read as %s, %t", c.want, back, ok)
		}
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	want := "ps pay cap voi rev ckt att evt whe whd req mer key stf"
	var have []string
	for _, p := range kinds {
		have = append(have, string(p))
		if got := id.PrefixOf(id.Format(p, uuid.Max)); got != p {
			t.Errorf("the prefix of a %s is found to be %q", p, got)
		}
	}
	if got := strings.Join(have, " "); got != want {
		t.Errorf("the prefixes are %s, not %s", got, want)
	}
	for s, want := range map[string]id.Prefix{"": "", "pay": "", "_": "", "_x": "", "pay_": "pay", "a_b_c": "a"} {
		if got := id.PrefixOf(s); got != want {
			t.Errorf("the prefix of %q is found to be %q, not %q", s, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const body = "01j0000000e008000000000001"
	for name, s := range map[string]string{
		"nothing":                              "",
		"the prefix alone":                     "pay",
		"an empty body":                        "pay_",
		"another kind":                         "cap_" + body,
		"a kind that begins alike":             "pays_" + body,
		"no underscore":                        "pay" + body,
		"a short body":                         "pay_" + body[1:],
		"a long body":                          "pay_" + body + "0",
		"more than 128 bits":                   "pay_8" + body[1:],
		"the most that fits above":             "pay_z" + body[1:],
		"upper case":                           "pay_" + strings.ToUpper(body),
		"a letter that is not in the alphabet": "pay_" + body[:25] + "u",
		"a letter of several bytes":            "pay_" + body[:24] + "é",
		"white space in front":                 " pay_" + body,
		"white space behind":                   "pay_" + body + "\n",
		"a byte of zero":                       "pay_" + body[:25] + "\x00",
	} {
		if u, ok := id.Parse(id.Payment, s); ok || u != uuid.Nil {
			t.Errorf("%s: %q is read as %s", name, s, u)
		}
		if id.Valid(id.Payment, s) {
			t.Errorf("%s: %q counts as valid", name, s)
		}
	}
	if !id.Valid(id.Payment, "pay_"+body) {
		t.Error("what is right is refused")
	}
}

func uuids() *rapid.Generator[uuid.UUID] {
	return rapid.Custom(func(t *rapid.T) uuid.UUID {
		return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
	})
}

func TestIdentifiersComeBackAndSortAsTheirUUIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(kinds).Draw(t, "prefix")
		a, b := uuids().Draw(t, "a"), uuids().Draw(t, "b")
		if back, ok := id.Parse(p, id.Format(p, a)); !ok || back != a {
			t.Fatalf("%s comes back as %s, %t", a, back, ok)
		}
		if got, want := strings.Compare(id.Format(p, a), id.Format(p, b)), bytes.Compare(a[:], b[:]); got != want {
			t.Fatalf("%s and %s compare %d, their identifiers %d", a, b, want, got)
		}
	})
}

// FuzzParse holds that whatever is accepted is the one way of writing its UUID.
func FuzzParse(f *testing.F) {
	f.Add("pay", "pay_01j0000000e008000000000001")
	f.Add("pay", "pay_7zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add("pay", "pay_8zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add("", "_01j0000000e008000000000001")
	f.Add("ps", "ps_\xff\xfe")
	f.Fuzz(func(t *testing.T, prefix, s string) {
		p := id.Prefix(prefix)
		u, ok := id.Parse(p, s)
		if ok != id.Valid(p, s) {
			t.Fatalf("Parse and Valid disagree on %q", s)
		}
		if !ok {
			if u != uuid.Nil {
				t.Fatalf("%q is refused, but gives %s", s, u)
			}
			return
		}
		if again := id.Format(p, u); again != s {
			t.Fatalf("%q is read as %s, which is written %q", s, u, again)
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"pay_01hzy3v7q8e4xk2m9c5b7d6f0a": true, "prj_payment_methods": true, "acc_01hzy3v7q8e4xk2m9c5b7d6f0a_20261128": true,
		"": false, "pay": false, "pay_": false, "sk_live_1": false, "pay_A": false, "pay_a@b": false, "jane": false, "pay_" + strings.Repeat("a", 65): false,
	} {
		if id.Names(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
