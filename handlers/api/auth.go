package api

import (
	"context"
	"net/http"
	"strings"

	"tender/domain/id"
	"tender/domain/merchant"
	"tender/handlers/engine"
	"tender/handlers/payments"
	"tender/handlers/problem"
)

// ClaimKey is the kind of look-up key by which an API key finds its merchant.
const ClaimKey = "api_key"

// caller is who a request comes from.
type caller struct {
	mode     string
	account  *Account
	merchant *engine.Stream[merchant.State]
	hash     string
	key      merchant.Key
	page     string // the web origin of the page that a browser says it sends for
}

// authenticate finds out who calls. Whether the key is still good when the
// request takes effect, the append or the read checks again: what is known here
// may be old.
func (s *Server) authenticate(ctx context.Context, r *http.Request) (caller, error) {
	scheme, secret, found := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !found || !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return caller{}, problem.New(problem.Unauthorised, "Send your API key in the header Authorization: Bearer <key>.")
	}
	c := caller{mode: modeOf(secret), hash: merchant.HashKey(secret), page: r.Header.Get("Origin")}
	unknown := problem.New(problem.InvalidAPIKey, "The API key is not known here.")
	if c.account = s.Accounts[c.mode]; c.account == nil {
		return caller{}, unknown
	}
	merchantID, known, err := s.merchantOf(ctx, c)
	if err != nil {
		return caller{}, err
	}
	if !known {
		return caller{}, unknown
	}
	if id.PrefixOf(merchantID) == id.Staff {
		return caller{}, problem.New(problem.Forbidden, "Staff keys don't open the merchants' API.")
	}
	c.merchant = c.account.Engine.Merchants.Ref(merchantID)
	if c.check() != nil {
		// What is remembered may be older than the key, or than what its merchant
		// has switched on.
		if err := c.account.Engine.Refresh(ctx, c.merchant); err != nil {
			return caller{}, err
		}
	}
	return c, c.check()
}

// check says whether the key is good, as far as the merchant's state tells.
func (c *caller) check() error {
	k, known := c.merchant.Value.KeyByHash(c.hash)
	c.key = k
	switch {
	case !known:
		return problem.New(problem.InvalidAPIKey, "The API key is not known here.")
	case k.Revoked:
		return problem.New(problem.Forbidden, "The API key was revoked.")
	case k.Kind == merchant.KeyPublic && !c.merchant.Value.Settings.PublicKeys:
		return problem.New(problem.Forbidden, "Public keys are switched off for this merchant.")
	case k.Kind == merchant.KeyPublic && c.page != "" && !c.merchant.Value.AllowsOrigin(c.page):
		return payments.ErrPageForbidden
	}
	return nil
}

// secretOnly refuses public keys, which create sessions and nothing else.
func (c *caller) secretOnly() error {
	if c.key.Kind != merchant.KeySecret {
		return problem.New(problem.Forbidden, "A public key only creates payment sessions.")
	}
	return nil
}

func (s *Server) merchantOf(ctx context.Context, c caller) (string, bool, error) {
	cached := c.mode + c.hash
	if m, ok := s.merchants.Get(cached); ok {
		return m, true, nil
	}
	m, known, err := c.account.Engine.Store.Claimed(ctx, ClaimKey, c.hash)
	if err == nil && known {
		s.merchants.Add(cached, m)
	}
	return m, known, err
}

func modeOf(secret string) string {
	if strings.HasPrefix(secret, "sk_test_") || strings.HasPrefix(secret, "pk_test_") {
		return "test"
	}
	return "live"
}
