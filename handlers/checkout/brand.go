package checkout

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tender/domain/id"
	"tender/handlers/brand"
	"tender/handlers/checkout/page"
	"tender/handlers/problem"
)

// logosCachedMax is how many logos a process remembers: 16 MiB of the largest.
const logosCachedMax = 512

// showBrand puts the merchant's looks into the page.
func (v *view) showBrand(out *page.View) {
	b := v.merchant.Value.Brand
	out.Colour, out.SupportURL, out.LegalText = b.Colour, b.SupportURL, b.LegalText
	if l := b.Logo; l != nil {
		out.Logo = page.Logo{URL: brand.LogoPath(l.ID), Width: l.Width, Height: l.Height, OnDark: l.OnDark}
	}
}

// logo serves a picture that we encoded ourselves, under an address that will never
// mean another.
func (s *Server) logo(w http.ResponseWriter, r *http.Request) {
	png, err := s.picture(r.Context(), r.PathValue("file"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(len(png)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(png)
}

// picture finds a logo by the name of its file, in whichever mode it is.
func (s *Server) picture(ctx context.Context, file string) ([]byte, error) {
	missing := problem.New(problem.NotFound, "There is no such logo.")
	logoID, found := strings.CutSuffix(file, ".png")
	if !found || !id.Valid(id.Logo, logoID) {
		return nil, missing
	}
	if png, ok := s.logos.Get(logoID); ok {
		return png, nil
	}
	for _, service := range s.Modes {
		png, ok, err := brand.PNG(ctx, service.Engine, logoID)
		if err != nil {
			return nil, err
		}
		if ok {
			s.logos.Add(logoID, png)
			return png, nil
		}
	}
	return nil, missing
}
