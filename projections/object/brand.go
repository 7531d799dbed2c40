package object

import (
	"tender/domain/codec"
	"tender/domain/merchant"
	"tender/eventstore"
)

// Brand is how a merchant looks to its customers, as the merchant sees it.
type Brand struct {
	MerchantID string     `json:"merchant_id"`
	Name       string     `json:"name"`
	Colour     string     `json:"colour,omitempty"`
	SupportURL string     `json:"support_url,omitempty"`
	LegalText  string     `json:"legal_text,omitempty"`
	Logo       *BrandLogo `json:"logo,omitempty"`
	Mode       string     `json:"mode"`
	Version    int        `json:"version"`
	CreatedAt  Time       `json:"created_at"`
	UpdatedAt  Time       `json:"updated_at"`
}

// BrandLogo is the picture as the checkout serves it.
type BrandLogo struct {
	ID     string `json:"-"`
	URL    string `json:"url"` // set where the server's address is known
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// Apply returns the brand after one more event of its merchant's stream. The version
// counts all of them, also those that leave the brand as it is.
func (o Brand) Apply(mode string, e eventstore.Event, d codec.Named) Brand {
	switch d := d.(type) {
	case merchant.Created:
		o = Brand{MerchantID: e.Stream, Name: d.Settings.Name, Mode: mode, CreatedAt: Time(e.At), UpdatedAt: Time(e.At)}
	case merchant.SettingsChanged:
		o.Name, o.UpdatedAt = d.Settings.Name, Time(e.At)
	case merchant.BrandChanged:
		o.Name, o.Colour, o.SupportURL, o.LegalText = d.Name, d.Brand.Colour, d.Brand.SupportURL, d.Brand.LegalText
		o.Logo = nil
		if l := d.Brand.Logo; l != nil {
			o.Logo = &BrandLogo{ID: l.ID, Width: l.Width, Height: l.Height}
		}
		o.UpdatedAt = Time(e.At)
	}
	o.Version = e.Version
	return o
}
