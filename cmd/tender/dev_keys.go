package main

import (
	"context"
	"time"

	"tender/cmd/tender/internal/devenv"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/staff"
	"tender/handlers/api"
)

// devStaffKeyValid is how long the staff keys of a development installation are
// good.
const devStaffKeyValid = 365 * 24 * time.Hour

// merchantKeys are the names in dev.env of the merchant's keys.
var merchantKeys = []struct {
	name string
	kind merchant.KeyKind
}{{devenv.SecretKey, merchant.KeySecret}, {devenv.PublicKey, merchant.KeyPublic}}

// staffKeys are the names in dev.env of the staff's keys.
var staffKeys = []struct {
	name string
	role staff.Role
}{{devenv.FinanceKey, staff.RoleFinance}, {devenv.OperatorKey, staff.RoleOperator}}

// findKeys are those that a newcomer needs: the ones in dev.env where this log knows
// them, new ones otherwise.
func (d *dev) findKeys(ctx context.Context, kept []devenv.Entry) ([]devenv.Entry, error) {
	out, err := d.merchantKeys(ctx, kept)
	if err != nil {
		return nil, err
	}
	live := d.app.logs["live"].engine
	for _, k := range staffKeys {
		key, _ := devenv.Lookup(kept, k.name)
		_, known, err := live.Store.Claimed(ctx, api.ClaimKey, merchant.HashKey(key))
		if err != nil {
			return nil, err
		}
		if !known {
			if _, _, key, err = issueStaffKey(ctx, live, "dev", k.role, devStaffKeyValid); err != nil {
				return nil, err
			}
		}
		out = append(out, devenv.Entry{Name: k.name, Value: key})
	}
	return out, nil
}

// merchantKeys are the test merchant's. If one of them was lost, its new one is
// the same merchant's; if all were, there is a new merchant.
func (d *dev) merchantKeys(ctx context.Context, kept []devenv.Entry) ([]devenv.Entry, error) {
	test := d.app.logs["test"].engine
	known, merchantID := map[string]string{}, ""
	for _, k := range merchantKeys {
		key, _ := devenv.Lookup(kept, k.name)
		owner, claimed, err := test.Store.Claimed(ctx, api.ClaimKey, merchant.HashKey(key))
		if err != nil {
			return nil, err
		}
		if claimed && id.Valid(id.Merchant, owner) {
			known[k.name] = key
			merchantID = owner
		}
	}
	if merchantID == "" {
		var err error
		if merchantID, err = createMerchant(ctx, test, merchant.Settings{
			Name: "Tender Demo Shop", Country: "ZA", TimeZone: "Africa/Johannesburg", PublicKeys: true,
			AllowedReturnURLs: []string{"http://127.0.0.1:*/", "http://localhost:*/"},
			AllowedOrigins:    []string{"http://127.0.0.1:*", "http://localhost:*"},
		}); err != nil {
			return nil, err
		}
	}
	var out []devenv.Entry
	for _, k := range merchantKeys {
		key, there := known[k.name]
		if !there {
			var err error
			if _, key, err = issueMerchantKey(ctx, test, merchantID, k.kind); err != nil {
				return nil, err
			}
		}
		out = append(out, devenv.Entry{Name: k.name, Value: key})
	}
	return out, nil
}
