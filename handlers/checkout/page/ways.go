package page

import (
	"embed"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
)

// What the form asks for, as the script and the style know it; see [choice.Asks].
const (
	asksCard    = "card"
	asksBank    = "bank"
	asksPhone   = "phone"
	asksNothing = "nothing"
)

//go:embed marks/*.svg
var markFiles embed.FS

// readMarks reads the small signs of the ways to pay: one file each, named after the
// kind. They are ours, and no brand's logo.
func readMarks(files fs.FS, dir string) (map[string]template.HTML, error) {
	names, err := fs.Glob(files, dir+"/*.svg")
	if err != nil {
		return nil, errors.Wrap(err, "listing the marks")
	}
	all := make(map[string]template.HTML, len(names))
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, errors.Wrapf(err, "reading %s", name)
		}
		all[strings.TrimSuffix(path.Base(name), ".svg")] = template.HTML(raw) //nolint:gosec // our own file
	}
	return all, nil
}

// choice is one way to pay, as the form offers it.
type choice struct {
	Method

	ID         string // what FieldMethod says
	Text       string
	Asks       string
	Chosen     bool
	FirstBanks bool // it is the first way with banks
	// TestBanks are those of its banks that misbehave, where it has others.
	TestBanks []Bank
}

// Mark is the way's sign, or the initial of its name.
func (c choice) Mark() template.HTML {
	if mark, ok := marks[c.Kind]; ok {
		return mark
	}
	initial := ""
	for _, r := range c.Text {
		initial = template.HTMLEscapeString(strings.ToUpper(string(r)))
		break
	}
	return template.HTML(`<span class="kind" aria-hidden="true">` + initial + `</span>`) //nolint:gosec // escaped
}

// saved is a saved method, as the form offers it.
type saved struct {
	SavedMethod

	Text   string // what the customer knows it by
	Note   string // until when a card is good, or was
	Chosen bool
}

// Mark is the sign of the way that was saved.
func (m saved) Mark() template.HTML {
	return choice{Method: Method{Kind: m.kind()}, Text: m.Text}.Mark()
}

// kind is the way that was saved, as Methods name it.
func (m SavedMethod) kind() string {
	if m.Kind == "" {
		return AnotherCard
	}
	return m.Kind
}

// Kept are the methods that the customer has saved, as the form offers them.
func (s shown) Kept() ([]saved, error) {
	var all []saved
	for _, m := range s.SavedMethods {
		one := saved{SavedMethod: m, Chosen: s.Chooses(m.ID)}
		var err error
		if m.kind() == AnotherCard {
			one.Text, err = s.T("receipt.card_ending", "scheme", schemeName(m.Scheme), "last4", m.Last4)
			if err == nil {
				one.Note, err = s.expiry(m)
			}
		} else {
			one.Text, err = s.T("receipt.way_detail", "method", s.nameOf(m.Kind), "detail", m.Phone)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// hasSaved reports whether something of a kind was saved.
func (s shown) hasSaved(kind string) bool {
	return slices.ContainsFunc(s.SavedMethods, func(m SavedMethod) bool { return m.kind() == kind })
}

// methods are the ways to pay beside what was saved.
func (s shown) methods() []Method {
	if len(s.View.Methods) == 0 {
		return []Method{{Kind: AnotherCard}}
	}
	return s.View.Methods
}

// Ways are the ways to pay beside what was saved, as the form offers them.
func (s shown) Ways() []choice {
	var all []choice
	first := true
	for _, m := range s.methods() {
		c := choice{Method: m, ID: m.Kind, Text: s.methodName(m), Asks: asksNothing, Chosen: s.Chooses(m.Kind)}
		switch {
		case m.Kind == AnotherCard:
			c.Asks, c.Saves = asksCard, true
			if s.hasSaved(AnotherCard) {
				c.Text, _ = s.T("pay.another")
			}
		case len(m.Banks) > 0:
			c.Asks, c.FirstBanks, first = asksBank, first, false
			c.Banks, c.TestBanks = apart(m.Banks)
		case m.Phone:
			c.Asks = asksPhone
			if s.hasSaved(m.Kind) {
				c.Text, _ = s.T("pay.another_number", "method", c.Text)
			}
		}
		all = append(all, c)
	}
	return all
}

// OneWay is the only way to pay, or nothing where the customer has a choice.
func (s shown) OneWay() *choice {
	if ways := s.Ways(); len(ways) == 1 && len(s.SavedMethods) == 0 {
		return &ways[0]
	}
	return nil
}

// asks reports whether one of the ways asks for a thing.
func (s shown) asks(what string) bool {
	for _, c := range s.Ways() {
		if c.Asks == what {
			return true
		}
	}
	return false
}

// AsksCard reports whether a card may be typed in, and AsksPhone whether a telephone
// number may.
func (s shown) AsksCard() bool  { return s.asks(asksCard) }
func (s shown) AsksPhone() bool { return s.asks(asksPhone) }

// AsksCVC reports whether a security code may be needed: of a card, or of a saved one.
func (s shown) AsksCVC() bool { return s.AsksCard() || s.SavedNeedCVC && s.hasSaved(AnotherCard) }

// AnySaves reports whether one of the ways can be kept for later payments.
func (s shown) AnySaves() bool {
	for _, c := range s.Ways() {
		if c.Saves {
			return true
		}
	}
	return false
}

// OnlyCards reports whether there is no other way to pay than by card.
func (s shown) OnlyCards() bool {
	for _, m := range s.SavedMethods {
		if m.kind() != AnotherCard {
			return false
		}
	}
	for _, m := range s.methods() {
		if m.Kind != AnotherCard {
			return false
		}
	}
	return true
}

// Chooses reports whether the saved method or way is the one that is chosen: the first
// way where none is.
func (s shown) Chooses(one string) bool {
	for _, m := range s.SavedMethods {
		if m.ID == s.Values.Method && !m.Expired {
			return one == m.ID
		}
	}
	for _, m := range s.methods() {
		if m.Kind == s.Values.Method {
			return one == m.Kind
		}
	}
	return one == s.methods()[0].Kind
}

// apart are the banks as customers know them, and those that are there for tests.
func apart(all []Bank) (real, test []Bank) {
	for _, b := range all {
		if b.Test {
			test = append(test, b)
			continue
		}
		real = append(real, b)
	}
	if len(real) == 0 {
		return all, nil
	}
	return real, test
}

// ChoosesOf reports whether one of the banks is the one that is chosen.
func (s shown) ChoosesOf(banks []Bank) bool { return slices.ContainsFunc(banks, s.ChoosesBank) }

// ChoosesBank reports whether the bank is the one that is chosen.
func (s shown) ChoosesBank(b Bank) bool { return b.ID == s.Values.Bank }

// kind is the way that the page is about; "" for a card.
func (s shown) kind() string {
	kind := s.Kind
	if s.State == StateSucceeded {
		kind = s.Receipt.Kind
	}
	if kind == AnotherCard {
		return ""
	}
	return kind
}

// methodName is what customers call a way to pay.
func (s shown) methodName(m Method) string {
	if name, err := s.T("method." + m.Kind); err == nil {
		return name
	}
	if m.Name != "" {
		return m.Name
	}
	return m.Kind
}

// WayName is what customers call the way that the page is about.
func (s shown) WayName() string {
	return s.nameOf(s.kind())
}

// nameOf is what customers call a kind.
func (s shown) nameOf(kind string) string {
	for _, m := range s.methods() {
		if m.Kind == kind {
			return s.methodName(m)
		}
	}
	return s.methodName(Method{Kind: kind})
}

// Where is whose page the customer is sent to: the bank's, or the way's own.
func (s shown) Where() string {
	if s.BankName != "" {
		return s.BankName
	}
	return s.WayName()
}

// PaidWith is how it was paid, for the receipt.
func (s shown) PaidWith() (string, error) {
	r := s.Receipt
	switch {
	case s.kind() == "" && r.Last4 == "":
		return "", nil
	case s.kind() == "":
		return s.T("receipt.card_ending", "scheme", schemeName(r.Scheme), "last4", r.Last4)
	case r.BankName != "":
		return s.T("receipt.way_detail", "method", s.WayName(), "detail", r.BankName)
	case r.Phone != "":
		return s.T("receipt.way_detail", "method", s.WayName(), "detail", r.Phone)
	}
	return s.WayName(), nil
}
