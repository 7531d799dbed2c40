package merchant_test

import (
	"reflect"
	"strings"
	"testing"

	"tender/domain/merchant"
)

func brand() merchant.Brand {
	return merchant.Brand{
		Colour: "#0a6b4f", SupportURL: "https://shop.example/help", LegalText: "Karoo Coffee Roasters (Pty) Ltd\nReg. 2009/012345/07",
		Logo: &merchant.Logo{ID: "lgo_5bcvct41zr4vgy3bfyxazpb9bj", Width: 320, Height: 96, OnDark: true},
	}
}

func branded() []merchant.Event {
	return withKeys(1, merchant.BrandChanged{Name: settings().Name, Brand: brand()})
}

// All that is wrong with a change is said at once.
func TestBrandProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change merchant.ChangeBrand
		want   []string
	}{
		"nothing":    {merchant.ChangeBrand{}, nil},
		"good":       {merchant.ChangeBrand{Name: new("Café №1"), Colour: new("#0A6b4F"), SupportURL: new("tel:+27215550100"), LegalText: new("a\nb")}, nil},
		"taken away": {merchant.ChangeBrand{Colour: new(""), SupportURL: new(""), LegalText: new("")}, nil},
		"the longest": {merchant.ChangeBrand{
			Name: new(strings.Repeat("é", 80)), LegalText: new(strings.Repeat("é", 1000)), SupportURL: new("https://shop.example/" + strings.Repeat("a", 479)),
		}, nil},
		"too long": {merchant.ChangeBrand{
			Name: new(strings.Repeat("é", 81)), LegalText: new(strings.Repeat("é", 1001)), SupportURL: new("https://shop.example/" + strings.Repeat("a", 480)),
		}, []string{"name too_long", "support_url too_long", "legal_text too_long"}},
		"all of it": {merchant.ChangeBrand{Name: new(" "), Colour: new("green"), SupportURL: new("javascript:alert(1)"), LegalText: new("a\x1bb")},
			[]string{"name too_short", "colour invalid_format", "support_url invalid_format", "legal_text invalid_format"}},
		"two lines of a name":    {merchant.ChangeBrand{Name: new("a\nb")}, []string{"name invalid_format"}},
		"a name that turns":      {merchant.ChangeBrand{Name: new("a\u202eb")}, []string{"name invalid_format"}},
		"a text that turns":      {merchant.ChangeBrand{LegalText: new("a\u2066b")}, []string{"legal_text invalid_format"}},
		"a short colour":         {merchant.ChangeBrand{Colour: new("#0a6")}, []string{"colour invalid_format"}},
		"a colour and more":      {merchant.ChangeBrand{Colour: new("#0a6b4f;")}, []string{"colour invalid_format"}},
		"a colour and a newline": {merchant.ChangeBrand{Colour: new("#0a6b4f\n")}, []string{"colour invalid_format"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range c.change.Problems() {
				got = append(got, p.Field+" "+string(p.Code))
				if !strings.HasSuffix(p.Detail, ".") {
					t.Errorf("%q is no sentence", p.Detail)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("the problems are %q, not %q", got, c.want)
			}
		})
	}
}

func TestSupportURLGood(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://shop.example":                     true,
		"https://shop.example:8443/help?a=b#c":     true,
		"https://xn--caf-dma.example/help":         true,
		"mailto:help@shop.example":                 true,
		"mailto:help+orders@mail.shop.example":     true,
		"tel:+27215550100":                         true,
		"tel:021-555-0100":                         true,
		"tel:112":                                  true,
		"":                                         false,
		"http://shop.example":                      false,
		"HTTPS://shop.example":                     false,
		"https:shop.example":                       false,
		"https:///help":                            false,
		"https://localhost/":                       false,
		"https://[::1]/":                           false,
		"https://shop.example.":                    false,
		"https://shop.example:port/":               false,
		"https://user@shop.example/":               false,
		"https://user:pass@shop.example/":          false,
		"https://shop.example/a b":                 false,
		"https://shop.example/\"onclick=":          false,
		"https://shop.example/é":                   false,
		"https://shop.example\\@evil.example/":     false,
		"//shop.example":                           false,
		"/help":                                    false,
		"javascript:alert(1)":                      false,
		"data:text/html,x":                         false,
		"mailto:":                                  false,
		"mailto:help@shop":                         false,
		"mailto:a@shop.example,b@shop.example":     false,
		"mailto:help@shop.example?bcc=a@b.example": false,
		"mailto:help%0a@shop.example":              false,
		"tel:":                                     false,
		"tel:*21*0215550100#":                      false,
		"tel:+27215550100;ext=5":                   false,
		"tel:12":                                   false,
		"sms:+27215550100":                         false,
	} {
		if got := merchant.SupportURLGood(address); got != want {
			t.Errorf("%q is good: %t", address, got)
		}
	}
}
