package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/handlers/engine"
)

// settingsFlags are the flags that say what a merchant's settings are.
type settingsFlags struct {
	settings                     merchant.Settings
	returnURLs, origins, methods string
}

// newSettingsFlags adds the flags to fs, with what holds where they are absent.
func newSettingsFlags(fs *flag.FlagSet, absent merchant.Settings) *settingsFlags {
	f := &settingsFlags{settings: absent}
	fs.StringVar(&f.settings.Name, "name", absent.Name, "the merchant's name as customers see it")
	fs.StringVar(&f.settings.Country, "country", absent.Country, "ISO 3166-1 alpha-2")
	fs.StringVar(&f.settings.TimeZone, "time-zone", absent.TimeZone, "IANA name")
	fs.StringVar(&f.returnURLs, "allowed-return-urls", "", "return URLs that public keys may use, by comma; one that ends in / allows what lies below it, and on a loopback address * stands for any port")
	fs.StringVar(&f.origins, "allowed-origins", "", "origins of the merchant's pages, by comma, for example https://shop.example: they may call with a public key, and embed the checkout")
	fs.StringVar(&f.methods, "payment-methods", "", "the ways to pay that customers are offered, by comma, for example card,instant_eft; empty: all that fit a session")
	fs.BoolVar(&f.settings.PublicKeys, "public-keys", absent.PublicKeys, "accept public keys; in test mode they are accepted unless this says false")
	fs.BoolVar(&f.settings.SavedCardsWithoutCVC, "saved-cards-without-cvc", absent.SavedCardsWithoutCVC, "let customers pay with a saved card without its security code")
	return f
}

// read returns what the flags say, once they are parsed.
func (f *settingsFlags) read(mode string) (merchant.Settings, error) {
	s := f.settings
	s.AllowedReturnURLs, s.AllowedOrigins, s.PaymentMethods = listed(f.returnURLs), listed(f.origins), listedAs[method.Kind](f.methods)
	return s, checkSettings(s, mode)
}

// over returns s with what was named on the command line put in its place.
func (f *settingsFlags) over(s merchant.Settings, fs *flag.FlagSet) merchant.Settings {
	fs.Visit(func(named *flag.Flag) {
		switch named.Name {
		case "name":
			s.Name = f.settings.Name
		case "country":
			s.Country = f.settings.Country
		case "time-zone":
			s.TimeZone = f.settings.TimeZone
		case "allowed-return-urls":
			s.AllowedReturnURLs = listed(f.returnURLs)
		case "allowed-origins":
			s.AllowedOrigins = listed(f.origins)
		case "payment-methods":
			s.PaymentMethods = listedAs[method.Kind](f.methods)
		case "public-keys":
			s.PublicKeys = f.settings.PublicKeys
		case "saved-cards-without-cvc":
			s.SavedCardsWithoutCVC = f.settings.SavedCardsWithoutCVC
		}
	})
	return s
}

func listed(byComma string) []string { return listedAs[string](byComma) }

func listedAs[T ~string](byComma string) []T {
	if byComma == "" {
		return nil
	}
	var all []T
	for _, one := range strings.Split(byComma, ",") {
		all = append(all, T(one))
	}
	return all
}

// kinds lists the ways to pay that there are.
func kinds() string {
	var all []string
	for _, w := range method.Ways() {
		all = append(all, string(w.Kind))
	}
	return strings.Join(all, ",")
}

func checkSettings(s merchant.Settings, mode string) error {
	if s.Name == "" {
		return usageError("tender: --name is missing: the merchant's name as customers see it")
	}
	if len(s.Country) != 2 || strings.ToUpper(s.Country) != s.Country {
		return usageError("tender: --country must be two capital letters, for example ZA")
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil {
		return usageError(fmt.Sprintf("tender: there is no time zone %q; use an IANA name, for example Africa/Johannesburg", s.TimeZone))
	}
	for _, kind := range s.PaymentMethods {
		if _, known := kind.Way(); !known {
			return usageError(fmt.Sprintf("tender: there is no payment method %q; use some of %s", kind, kinds()))
		}
	}
	if says := merchant.OriginsProblem(s.AllowedOrigins, mode); says != "" {
		return usageError("tender: --allowed-origins: " + says)
	}
	return nil
}

// runMerchantSettings shows a merchant's settings, after it has changed what the
// command line names.
func runMerchantSettings(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("merchant settings", stderr)
	merchantID := fs.String("merchant", "", "the merchant whose settings they are")
	mode := fs.String("mode", "test", "test or live")
	f := newSettingsFlags(fs, merchant.Settings{})
	var database string
	if err := parseSettings(fs, args, []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	if !id.Valid(id.Merchant, *merchantID) {
		return usageError("tender: --merchant must be the id of a merchant: they begin with mer_")
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	s, err := changeSettings(ctx, g, *merchantID, func(s merchant.Settings) merchant.Settings { return f.over(s, fs) })
	if err != nil {
		return err
	}
	showSettings(stdout, s)
	return nil
}

// changeSettings changes a merchant's settings, and returns what they are then. What
// is so already changes nothing.
func changeSettings(ctx context.Context, g *engine.Engine, merchantID string, change func(merchant.Settings) merchant.Settings) (merchant.Settings, error) {
	var s merchant.Settings
	_, err := g.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: engine.NewID(), MerchantID: merchantID, Actor: operator}, Subject: merchantID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := engine.Read(ctx, tx, g.Merchants, merchantID)
			if err != nil {
				return err
			}
			s = change(m.Value.Settings)
			if m.Value.Exists() {
				if err := checkSettings(s, g.Mode()); err != nil {
					return err
				}
			}
			events, err := merchant.Decide(m.Value, merchant.ChangeSettings{Settings: s})
			if err != nil {
				return err
			}
			engine.Write(tx, merchant.Codec, merchantID, events...)
			return nil
		},
	})
	return s, err
}

func showSettings(stdout io.Writer, s merchant.Settings) {
	show := func(name string, value any) { fmt.Fprintf(stdout, "%-24s %v\n", name, value) }
	show("name", s.Name)
	show("country", s.Country)
	show("time-zone", s.TimeZone)
	show("allowed-return-urls", strings.Join(s.AllowedReturnURLs, ","))
	show("allowed-origins", strings.Join(s.AllowedOrigins, ","))
	var methods []string
	for _, kind := range s.PaymentMethods {
		methods = append(methods, string(kind))
	}
	show("payment-methods", strings.Join(methods, ","))
	show("public-keys", s.PublicKeys)
	show("saved-cards-without-cvc", s.SavedCardsWithoutCVC)
}
