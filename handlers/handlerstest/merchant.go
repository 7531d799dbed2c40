package handlerstest

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/staff"
	"tender/eventstore"
	"tender/handlers/api"
	"tender/handlers/engine"
)

// Merchant is an account with its keys.
type Merchant struct {
	ID     string
	Mode   string
	Secret string // a secret key
	Public string // a public key
	// SecretID and PublicID are the keys' ids, by which they are revoked.
	SecretID, PublicID string

	house *House
}

// Merchant opens an account with a secret and a public key.
func (h *House) Merchant(mode string, change ...func(*merchant.Settings)) *Merchant {
	h.t.Helper()
	s := merchant.Settings{Name: "Corner Shop", Country: "ZA", TimeZone: "UTC", PublicKeys: true}
	for _, f := range change {
		f(&s)
	}
	m := &Merchant{ID: id.Format(id.Merchant, engine.NewID()), Mode: mode, house: h}
	m.do(merchant.Create{Settings: s})
	m.Secret, m.SecretID = m.Key(merchant.KeySecret)
	m.Public, m.PublicID = m.Key(merchant.KeyPublic)
	return m
}

// Key issues another key.
func (m *Merchant) Key(kind merchant.KeyKind) (secret, keyID string) {
	m.house.t.Helper()
	secret = merchant.KeyPrefix(kind, m.Mode) + strings.ToLower(rand.Text())
	c := merchant.IssueKey{ID: engine.NewID(), Kind: kind, Hash: merchant.HashKey(secret), Now: m.engine().Now()}
	m.do(c, eventstore.Claim{Kind: api.ClaimKey, Value: c.Hash, Stream: m.ID})
	return secret, c.KeyID()
}

// Revoke ends a key. When it returns that is committed.
func (m *Merchant) Revoke(keyID string) {
	m.house.t.Helper()
	m.do(merchant.RevokeKey{KeyID: keyID})
}

// Change replaces the settings.
func (m *Merchant) Change(s merchant.Settings) {
	m.house.t.Helper()
	m.do(merchant.ChangeSettings{Settings: s})
}

func (m *Merchant) engine() *engine.Engine { return m.house.commandLine[m.Mode] }

// do runs a command as tender's command line does: beside the serving processes,
// whose caches hear nothing of it.
func (m *Merchant) do(c merchant.Command, claims ...eventstore.Claim) {
	m.house.t.Helper()
	g := m.engine()
	_, err := g.Do(m.house.ctx, engine.Command{
		Origin:  engine.Origin{CommandID: engine.NewID(), MerchantID: m.ID, Actor: domain.Actor{Kind: domain.ActorStaff, ID: "test"}},
		Subject: m.ID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			state, err := engine.Read(ctx, tx, g.Merchants, m.ID)
			if err != nil {
				return err
			}
			events, err := merchant.Decide(state.Value, c)
			engine.Write(tx, merchant.Codec, m.ID, events...)
			for _, claim := range claims {
				tx.Claim(claim)
			}
			return err
		},
	})
	m.house.must(err)
}

// Position opens a position's token as the server would.
func (m *Merchant) Position(token string) int64 {
	m.house.t.Helper()
	position, err := m.house.sealer().OpenPosition(m.ID, m.Mode, token)
	m.house.must(err)
	return position
}

// StaffKey issues a staff key of a new person: for these merchants, or for all.
func (h *House) StaffKey(role staff.Role, merchants ...string) (secret string) {
	h.t.Helper()
	secret, _, _ = h.Staff(role, time.Hour, merchants...)
	return secret
}

// Staff adds a person, with a staff key.
func (h *House) Staff(role staff.Role, valid time.Duration, merchants ...string) (secret, staffID, keyID string) {
	h.t.Helper()
	g := h.commandLine["live"]
	secret = staff.KeyPrefix(role) + strings.ToLower(rand.Text())
	command := engine.NewID()
	staffID = id.Format(id.Staff, command)
	_, err := g.Do(h.ctx, engine.Command{
		Origin:  engine.Origin{CommandID: command, Actor: domain.Actor{Kind: domain.ActorStaff, ID: "test"}},
		Subject: staffID,
		Decide: func(_ context.Context, tx *engine.Tx) error {
			engine.Create(tx, g.Staff, staffID)
			var st staff.State
			added, err := staff.Decide(st, staff.Add{Name: "Thandi"})
			if err != nil {
				return err
			}
			for _, e := range added {
				st = staff.Evolve(st, staffID, e)
			}
			issued, err := staff.Decide(st, staff.IssueKey{
				ID: command, Role: role, Hash: merchant.HashKey(secret), Now: tx.Now, ExpiresAt: tx.Now.Wall.Add(valid), Merchants: merchants,
			})
			engine.Write(tx, staff.Codec, staffID, append(added, issued...)...)
			tx.Claim(eventstore.Claim{Kind: api.ClaimKey, Value: merchant.HashKey(secret), Stream: staffID})
			return err
		},
	})
	h.must(err)
	return secret, staffID, id.Format(id.Key, command)
}

// AnotherStaffKey issues one more key of a person who is on the staff.
func (h *House) AnotherStaffKey(staffID string, role staff.Role, merchants ...string) (secret string) {
	h.t.Helper()
	g := h.commandLine["live"]
	secret = staff.KeyPrefix(role) + strings.ToLower(rand.Text())
	command := engine.NewID()
	_, err := g.Do(h.ctx, engine.Command{
		Origin:  engine.Origin{CommandID: command, Actor: domain.Actor{Kind: domain.ActorStaff, ID: "test"}},
		Subject: staffID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			s, err := engine.Read(ctx, tx, g.Staff, staffID)
			if err != nil {
				return err
			}
			issued, err := staff.Decide(s.Value, staff.IssueKey{
				ID: command, Role: role, Hash: merchant.HashKey(secret), Now: tx.Now, ExpiresAt: tx.Now.Wall.Add(time.Hour), Merchants: merchants,
			})
			engine.Write(tx, staff.Codec, staffID, issued...)
			tx.Claim(eventstore.Claim{Kind: api.ClaimKey, Value: merchant.HashKey(secret), Stream: staffID})
			return err
		},
	})
	h.must(err)
	return secret
}

// RevokeStaffKey ends a staff key.
func (h *House) RevokeStaffKey(staffID, keyID string) {
	h.t.Helper()
	g := h.commandLine["live"]
	_, err := g.Do(h.ctx, engine.Command{
		Origin:  engine.Origin{CommandID: engine.NewID(), Actor: domain.Actor{Kind: domain.ActorStaff, ID: "test"}},
		Subject: staffID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			s, err := engine.Read(ctx, tx, g.Staff, staffID)
			if err != nil {
				return err
			}
			events, err := staff.Decide(s.Value, staff.RevokeKey{KeyID: keyID})
			engine.Write(tx, staff.Codec, staffID, events...)
			return err
		},
	})
	h.must(err)
}
