package main

import (
	"strings"
	"testing"

	"tender/domain/merchant"
	"tender/domain/method"
)

// What is shown are the settings by the names of the flags that change them, one a line.
func TestSettingsAreShown(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	showSettings(&out, merchant.Settings{
		Name: "Karoo Tea", Country: "ZA", TimeZone: "Africa/Johannesburg",
		AllowedReturnURLs: []string{"https://shop.example/thanks", "http://localhost:*/"}, AllowedOrigins: []string{"https://shop.example"},
		PaymentMethods: []method.Kind{method.KindCard, method.KindInstantEFT}, PublicKeys: true,
	})
	const want = `name                     Karoo Tea
country                  ZA
time-zone                Africa/Johannesburg
allowed-return-urls      https://shop.example/thanks,http://localhost:*/
allowed-origins          https://shop.example
payment-methods          card,instant_eft
public-keys              true
saved-cards-without-cvc  false
`
	if out.String() != want {
		t.Errorf("shown is\n%s\nnot\n%s", out.String(), want)
	}
	shown := strings.Split(strings.TrimSpace(want), "\n")
	fs := newFlags("merchant settings", &out)
	newSettingsFlags(fs, merchant.Settings{})
	for _, line := range shown {
		if name := strings.Fields(line)[0]; fs.Lookup(name) == nil {
			t.Errorf("no flag changes %s", name)
		}
	}
}
