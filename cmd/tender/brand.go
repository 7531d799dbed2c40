package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/domain/merchant"
	"tender/handlers/brand"
	"tender/handlers/engine"
)

// runMerchantBrand shows how a merchant looks at the checkout, after it has changed
// what the command line names.
func runMerchantBrand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("merchant brand", stderr)
	merchantID := fs.String("merchant", "", "the merchant whose brand it is")
	name := fs.String("name", "", "the name that customers see")
	colour := fs.String("colour", "", `of the button and the accents, for example #0a6b4f; "" for Tender's own`)
	file := fs.String("logo", "", `a PNG or JPEG file; "" for none`)
	support := fs.String("support-url", "", `where customers find help: https, mailto or tel; "" for none`)
	legal := fs.String("legal-text", "", `the small print below the page, plain; "" for none`)
	mode := fs.String("mode", "test", "test or live")
	var database string
	if err := parseSettings(fs, args, []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	if !id.Valid(id.Merchant, *merchantID) {
		return usageError("tender: --merchant must be the id of a merchant: they begin with mer_")
	}
	var c brand.Change
	changes := false
	fs.Visit(func(f *flag.Flag) {
		into, ok := map[string]struct {
			field **string
			value *string
		}{
			"name": {&c.Name, name}, "colour": {&c.Colour, colour}, "support-url": {&c.SupportURL, support}, "legal-text": {&c.LegalText, legal},
		}[f.Name]
		if ok {
			*into.field = into.value
		}
		changes = changes || ok || f.Name == "logo"
		c.RemoveLogo = c.RemoveLogo || f.Name == "logo" && *file == ""
	})
	if err := checkBrand(&c, *file); err != nil {
		return err
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	if changes {
		if err := changeBrand(ctx, g, *merchantID, c); err != nil {
			return err
		}
	}
	return showBrand(ctx, g, stdout, *merchantID)
}

// checkBrand says all that is wrong with the texts, and reads the logo.
func checkBrand(c *brand.Change, file string) error {
	var wrong []string
	for _, p := range c.Problems() {
		wrong = append(wrong, "tender: --"+strings.ReplaceAll(p.Field, "_", "-")+": "+p.Detail)
	}
	if file != "" {
		picture, err := readPicture(file)
		switch {
		case errors.Is(err, brand.ErrPicture):
			wrong = append(wrong, "tender: --logo: "+err.Error())
		case err != nil:
			return err
		}
		c.Picture = &picture
	}
	if len(wrong) > 0 {
		return usageError(strings.Join(wrong, "\n"))
	}
	return nil
}

func readPicture(file string) (brand.Picture, error) {
	f, err := os.Open(file)
	if err != nil {
		return brand.Picture{}, errors.Wrap(err, "read the logo")
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, brand.FileBytesMax+1))
	if err != nil {
		return brand.Picture{}, errors.Wrap(err, "read the logo")
	}
	return brand.Prepare(content)
}

func changeBrand(ctx context.Context, g *engine.Engine, merchantID string, c brand.Change) error {
	s := brand.Service{Engine: g, Permit: func(ctx context.Context, tx *engine.Tx) (merchant.State, error) {
		m, err := engine.Read(ctx, tx, g.Merchants, merchantID)
		return m.Value, err
	}}
	origin := engine.Origin{CommandID: engine.NewID(), MerchantID: merchantID, Actor: operator}
	_, _, err := s.Apply(ctx, origin, nil, http.StatusOK, c)
	return err
}

// showBrand prints what the checkout shows of a merchant.
func showBrand(ctx context.Context, g *engine.Engine, stdout io.Writer, merchantID string) error {
	o := g.BrandObjects.Ref(merchantID)
	if err := g.Refresh(ctx, o); err != nil {
		return err
	}
	if o.Version == 0 {
		return merchant.ErrNotFound
	}
	show := func(name, value string) {
		if value == "" {
			value = "(none)"
		}
		fmt.Fprintf(stdout, "%-12s %s\n", name, strings.ReplaceAll(value, "\n", "\n"+strings.Repeat(" ", 13)))
	}
	show("name", o.Value.Name)
	show("colour", o.Value.Colour)
	logo := ""
	if l := o.Value.Logo; l != nil {
		logo = fmt.Sprintf("%s (%d by %d pixels)", brand.LogoPath(l.ID), l.Width, l.Height)
	}
	show("logo", logo)
	show("support-url", o.Value.SupportURL)
	show("legal-text", o.Value.LegalText)
	return nil
}
