package api

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/domain/merchant"
	"tender/handlers/body"
	"tender/handlers/brand"
	"tender/handlers/problem"
	"tender/projections/object"
)

func (s *Server) brandRoutes() {
	s.mux.Handle("GET /brand", s.read(s.getBrand))
	s.mux.Handle("PATCH /brand", s.writeKeyless(s.updateBrand))
}

// brandRequest is a decoded change of the brand. The logo stands there as it was sent.
type brandRequest struct {
	Name       *string `json:"name,omitempty"`
	Colour     *string `json:"colour,omitempty"`
	SupportURL *string `json:"support_url,omitempty"`
	LegalText  *string `json:"legal_text,omitempty"`
	Logo       *string `json:"logo,omitempty"`
}

// readBrand decodes a change, and makes a logo of the file that came with it.
func readBrand(f *body.Fields) (brandRequest, brand.Change, error) {
	var in brandRequest
	for name, into := range map[string]**string{
		"name": &in.Name, "colour": &in.Colour, "support_url": &in.SupportURL, "legal_text": &in.LegalText, "logo": &in.Logo,
	} {
		if text, ok := f.Text(name); ok {
			*into = &text
		}
	}
	c := brand.Change{ChangeBrand: merchant.ChangeBrand{
		Name: in.Name, Colour: in.Colour, SupportURL: in.SupportURL, LegalText: in.LegalText,
	}}
	for _, p := range c.Problems() {
		f.Wrong(p.Field, p.Code, p.Detail)
	}
	if f.Empty() {
		f.Wrong("", problem.TooFew, "Name at least one field to change.")
	}
	err := readLogo(f, in.Logo, &c)
	return in, c, errors.CombineErrors(err, f.Done())
}

// readLogo makes a logo of a file in base64; an empty one takes the logo away.
func readLogo(f *body.Fields, encoded *string, c *brand.Change) error {
	switch {
	case encoded == nil:
		return nil
	case *encoded == "":
		c.RemoveLogo = true
		return nil
	}
	file, err := base64.StdEncoding.Strict().DecodeString(*encoded)
	if err != nil {
		f.Wrong("logo", problem.InvalidFormat, "The logo is a PNG or JPEG file in base64, with its padding.")
		return nil
	}
	picture, err := brand.Prepare(file)
	if errors.Is(err, brand.ErrPicture) {
		f.Wrong("logo", problem.Invalid, err.Error())
		return nil
	}
	c.Picture = &picture
	return err
}

func (s *Server) updateBrand(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	if err := r.secretOnly(); err != nil {
		return written{}, err
	}
	in, c, err := readBrand(r.body)
	if err != nil {
		return written{}, err
	}
	fingerprint(in)
	done, version, err := r.account.Brands.Apply(ctx, r.origin, r.key, http.StatusOK, c)
	if err == nil && done.Versions[r.merchant.ID] == 0 {
		done.Versions = map[string]int{r.merchant.ID: version} // all was so already
	}
	return written{status: http.StatusOK, stream: r.merchant.ID, done: done}, err
}

func (s *Server) getBrand(ctx context.Context, r *readRequest) (shown, error) {
	out, err := one(ctx, r, id.Merchant, "merchant", r.account.Engine.BrandObjects.Ref(r.merchant.ID))
	if o, ok := out.object.(object.Brand); ok {
		out.object = s.withLogo(o)
	}
	return out, err
}

// withLogo says where the logo is served.
func (s *Server) withLogo(o object.Brand) object.Brand {
	if o.Logo != nil {
		l := *o.Logo // folds are values that others hold, too
		l.URL = s.BaseURL + brand.LogoPath(l.ID)
		o.Logo = &l
	}
	return o
}
