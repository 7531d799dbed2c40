// Package brand changes how a merchant looks to its customers. It makes logos of
// what merchants send, and hands changes to the domain; what a brand may say, the
// domain knows, and how it looks, the page.
package brand

import (
	"context"

	"github.com/cockroachdb/errors"

	"tender/domain/logo"
	"tender/domain/merchant"
	"tender/eventstore"
	"tender/handlers/engine"
)

// Change is what is asked of a merchant's brand.
type Change struct {
	merchant.ChangeBrand // Logo excepted, which is made from Picture
	Picture              *Picture
}

// Service changes brands in one mode.
type Service struct {
	Engine *engine.Engine
	// Permit reads the merchant, and refuses who may not change it.
	Permit func(ctx context.Context, tx *engine.Tx) (merchant.State, error)
}

// Apply changes the brand of the merchant that origin names. The picture, where there
// is a new one, is appended together with the event that names it. It returns the
// version that the merchant's stream has then. Status is what the key is answered with.
func (s *Service) Apply(ctx context.Context, origin engine.Origin, key *eventstore.IdempotencyKey, status int, c Change) (engine.Done, int, error) {
	version := 0
	done, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: key.About(origin.MerchantID), Subject: origin.MerchantID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := s.Permit(ctx, tx)
			if err != nil {
				return err
			}
			change := c.ChangeBrand
			if c.Picture != nil {
				change.Logo = &merchant.Logo{
					ID: logo.ID(origin.MerchantID, c.Picture.PNG), Width: c.Picture.Width, Height: c.Picture.Height, OnDark: c.Picture.OnDark,
				}
			}
			events, err := merchant.Decide(m, change)
			if err != nil {
				return err
			}
			if c.Picture != nil {
				if err := s.store(ctx, tx, change.Logo.ID, c.Picture.PNG); err != nil {
					return err
				}
			}
			engine.Write(tx, merchant.Codec, origin.MerchantID, events...)
			tx.Answer(origin.CommandID, status, origin.MerchantID)
			version = tx.Version(origin.MerchantID)
			return nil
		},
	})
	return done, version, err
}

func (s *Service) store(ctx context.Context, tx *engine.Tx, logoID string, png []byte) error {
	l, err := engine.Read(ctx, tx, s.Engine.Logos, logoID)
	if err != nil {
		return err
	}
	engine.Write(tx, logo.Codec, logoID, logo.Decide(l.Value, logo.Store{PNG: png})...)
	return nil
}

// PNG returns a logo's picture from the log, and whether there is one with this id.
func PNG(ctx context.Context, g *engine.Engine, logoID string) ([]byte, bool, error) {
	events, err := g.Store.Stream(ctx, logoID)
	if err != nil || len(events) == 0 {
		return nil, false, err
	}
	e, err := logo.Codec.Decode(events[0].Type, events[0].SchemaVersion, events[0].Payload)
	if err != nil {
		return nil, false, err
	}
	stored, ok := e.(logo.Stored)
	if !ok {
		return nil, false, errors.AssertionFailedf("a logo begins with %s", e.Type())
	}
	return stored.PNG, true, nil
}

// LogosPath is where logos are served, each under its id.
const LogosPath = "/logos/"

// LogoPath is where a logo is served, for as long as the log keeps it. What is there
// never changes: the id is made of a hash of the picture.
func LogoPath(logoID string) string { return LogosPath + logoID + ".png" }
