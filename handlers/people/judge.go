package people

import (
	"context"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/handlers/engine"
	"tender/vault"
)

// Judges tell the vault's sweep which profiles, cards and accounts the logs name.
func Judges(logs ...*engine.Engine) map[string]vault.Judge {
	each := func(judge func(context.Context, *engine.Engine, vault.Entry) (vault.Verdict, error)) vault.Judge {
		return func(ctx context.Context, entries []vault.Entry) ([]vault.Verdict, error) {
			verdicts := make([]vault.Verdict, len(entries))
			for i, entry := range entries {
				for _, log := range logs {
					verdict, err := judge(ctx, log, entry)
					if err != nil {
						return nil, err
					}
					verdicts[i] = max(verdicts[i], verdict)
				}
			}
			return verdicts, nil
		}
	}
	return map[string]vault.Judge{ProfileKind: each(judgeProfile), CardKind: each(judgeMethod), AccountKind: each(judgeMethod)}
}

// judgeProfile: a profile is named by the customer whose it is.
func judgeProfile(ctx context.Context, g *engine.Engine, entry vault.Entry) (vault.Verdict, error) {
	customerID := strings.TrimPrefix(entry.Field, ProfileKind+"/")
	if !id.Valid(id.Customer, customerID) {
		return vault.Unnamed, errors.AssertionFailedf("vault entry %s has the unknown field %q", entry.Ref, entry.Field)
	}
	ref := g.CustomerObjects.Ref(customerID)
	if err := g.Refresh(ctx, ref); err != nil {
		return vault.Unnamed, err
	}
	if ref.Value.ProfileRef == entry.Ref {
		return vault.Named, nil
	}
	return vault.Unnamed, nil
}

// judgeMethod: a card or an account is named by the method that was saved. Until then
// it is awaited for as long as an attempt of its session is in flight.
func judgeMethod(ctx context.Context, g *engine.Engine, entry vault.Entry) (vault.Verdict, error) {
	_, names, _ := strings.Cut(entry.Field, "/")
	methodID, sessionID, found := strings.Cut(names, "/")
	if !found || !id.Valid(id.Method, methodID) || !id.Valid(id.Session, sessionID) {
		return vault.Unnamed, errors.AssertionFailedf("vault entry %s has the unknown field %q", entry.Ref, entry.Field)
	}
	saved, session := g.Methods.Ref(methodID), g.Sessions.Ref(sessionID)
	if err := g.Refresh(ctx, saved, session); err != nil {
		return vault.Unnamed, err
	}
	if saved.Value.Exists() {
		if saved.Value.VaultRef == entry.Ref && !saved.Value.Removed {
			return vault.Named, nil
		}
		return vault.Unnamed, nil
	}
	if session.Value.PaymentID == "" {
		return vault.Unnamed, nil
	}
	payment := g.Payments.Ref(session.Value.PaymentID)
	if err := g.Refresh(ctx, payment); err != nil {
		return vault.Unnamed, err
	}
	if payment.Value.InFlight() {
		return vault.Awaited, nil
	}
	return vault.Unnamed, nil
}
