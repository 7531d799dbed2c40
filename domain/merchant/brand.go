package merchant

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"tender/domain"
)

// Limits of a brand, in characters.
const (
	NameRunesMax      = 80
	SupportURLMax     = 500 // bytes: addresses are ASCII
	LegalTextRunesMax = 1000
)

// Brand is how the merchant looks to its customers, beside the name, which is one of
// the settings. What is empty looks as Tender does.
type Brand struct {
	Colour     string `json:"colour,omitempty"`      // #rrggbb, in lower case
	SupportURL string `json:"support_url,omitempty"` // https, mailto or tel
	LegalText  string `json:"legal_text,omitempty"`  // plain text, with line breaks
	Logo       *Logo  `json:"logo,omitempty"`
}

// Logo is the picture that stands for the merchant. Its bytes lie in a stream of
// their own.
type Logo struct {
	ID     string `json:"logo_id"`
	Width  int    `json:"width"`  // pixels
	Height int    `json:"height"` // pixels
	// OnDark: it is made for a dark ground, and would not be seen on a pale one.
	OnDark bool `json:"on_dark,omitempty"`
}

// BrandChanged: customers see the merchant like this from now on.
type BrandChanged struct {
	Name  string `json:"name"`
	Brand Brand  `json:"brand"`
}

// Type names the event on the wire.
func (BrandChanged) Type() string { return "merchant.brand_changed" }

func (BrandChanged) merchantEvent() {}

// ChangeBrand changes what is not nil. An empty text takes away what was there, save
// for the name, without which no merchant is.
type ChangeBrand struct {
	Name, Colour, SupportURL, LegalText *string

	Logo       *Logo
	RemoveLogo bool
}

func (ChangeBrand) merchantCommand() {}

// FieldProblem says what is wrong with one field of a change.
type FieldProblem struct {
	Field  string // as in the event
	Code   domain.Code
	Detail string // a sentence in English
}

// The codes of a FieldProblem, which are those of every field of a request.
const (
	codeTooShort      domain.Code = "too_short"
	codeTooLong       domain.Code = "too_long"
	codeInvalidFormat domain.Code = "invalid_format"
)

var colourPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// Problems are all that is wrong with a change's texts, by themselves.
func (c ChangeBrand) Problems() []FieldProblem {
	var all []FieldProblem
	wrong := func(field string, code domain.Code, detail string) {
		all = append(all, FieldProblem{Field: field, Code: code, Detail: detail})
	}
	if c.Name != nil {
		switch {
		case strings.TrimSpace(*c.Name) == "":
			wrong("name", codeTooShort, "The name has at least 1 character that can be seen.")
		case utf8.RuneCountInString(*c.Name) > NameRunesMax:
			wrong("name", codeTooLong, fmt.Sprintf("The name has at most %d characters.", NameRunesMax))
		case strings.ContainsFunc(*c.Name, misleads):
			wrong("name", codeInvalidFormat, "The name is one line, without control characters.")
		}
	}
	if c.Colour != nil && *c.Colour != "" && !colourPattern.MatchString(*c.Colour) {
		wrong("colour", codeInvalidFormat, "The colour is # and six hexadecimal digits, for example #0a6b4f.")
	}
	if c.SupportURL != nil && *c.SupportURL != "" {
		switch {
		case len(*c.SupportURL) > SupportURLMax:
			wrong("support_url", codeTooLong, fmt.Sprintf("The address has at most %d bytes.", SupportURLMax))
		case !SupportURLGood(*c.SupportURL):
			wrong("support_url", codeInvalidFormat, "The address is an https URL without user and password, mailto: with one e-mail address, or tel: with a number such as +27215550100.")
		}
	}
	if c.LegalText != nil {
		switch {
		case utf8.RuneCountInString(*c.LegalText) > LegalTextRunesMax:
			wrong("legal_text", codeTooLong, fmt.Sprintf("The text has at most %d characters.", LegalTextRunesMax))
		case strings.ContainsFunc(*c.LegalText, func(r rune) bool { return r != '\n' && misleads(r) }):
			wrong("legal_text", codeInvalidFormat, "The text holds no control characters but line breaks (U+000A).")
		}
	}
	return all
}

// misleads reports whether a character is none that is seen, and may change how
// others are: the controls, and those that turn the direction of what follows.
func misleads(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

var (
	mailPattern  = regexp.MustCompile(`^[A-Za-z0-9.!#$&'*+/=^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$`)
	phonePattern = regexp.MustCompile(`^\+?[0-9](-?[0-9]){2,19}$`)
	pagePattern  = regexp.MustCompile(`^https://[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+(:[0-9]{1,5})?([/?#].*)?$`)
)

// SupportURLGood reports whether customers may be led to an address for help: a web
// page by https, or a mail or a call that says nothing by itself.
func SupportURLGood(address string) bool {
	for i := range len(address) {
		if address[i] <= ' ' || address[i] > '~' || strings.IndexByte("\"<>\\^`{|}", address[i]) >= 0 {
			return false
		}
	}
	if mail, ok := strings.CutPrefix(address, "mailto:"); ok {
		return mailPattern.MatchString(mail)
	}
	if phone, ok := strings.CutPrefix(address, "tel:"); ok {
		return phonePattern.MatchString(phone)
	}
	return pagePattern.MatchString(address)
}

// brandAfter is what c makes of a merchant's name and brand.
func (s State) brandAfter(c ChangeBrand) BrandChanged {
	e := BrandChanged{Name: s.Settings.Name, Brand: s.Brand}
	set := func(field *string, to *string) {
		if to != nil {
			*field = *to
		}
	}
	set(&e.Name, c.Name)
	set(&e.Brand.Colour, c.Colour)
	e.Brand.Colour = strings.ToLower(e.Brand.Colour)
	set(&e.Brand.SupportURL, c.SupportURL)
	set(&e.Brand.LegalText, c.LegalText)
	if c.RemoveLogo {
		e.Brand.Logo = nil
	}
	if c.Logo != nil {
		e.Brand.Logo = c.Logo
	}
	return e
}

// changeBrand decides a change. One that says what is so already is none.
func (s State) changeBrand(c ChangeBrand) []Event {
	e := s.brandAfter(c)
	if reflect.DeepEqual(e, s.brandAfter(ChangeBrand{})) {
		return nil
	}
	return []Event{e}
}
