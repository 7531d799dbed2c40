package biglog

import (
	"bytes"
	"strings"
	"time"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/logo"
	"tender/domain/merchant"
	"tender/domain/readmodel"
	"tender/domain/staff"
	"tender/eventstore"
	"tender/handlers/api"
)

// market is where a merchant is.
type market struct{ country, currency, zone string }

var markets = []market{
	{"ZA", "ZAR", "Africa/Johannesburg"}, {"ZA", "ZAR", "Africa/Johannesburg"}, {"KE", "KES", "Africa/Nairobi"}, {"DE", "EUR", "Europe/Berlin"},
	{"ZA", "ZAR", "Africa/Johannesburg"}, {"US", "USD", "America/New_York"}, {"JP", "JPY", "Asia/Tokyo"}, {"BH", "BHD", "Asia/Bahrain"},
}

var operator = domain.Actor{Kind: domain.ActorStaff, ID: "command-line"}

// open opens the merchant's account. Most have an endpoint that is told everything,
// some have none, some have one more for a few types.
func (l *lane) open() {
	l.shop(merchant.Create{Settings: l.settings("Shop")})
	l.issues(merchant.KeySecret)
	l.issues(merchant.KeyPublic)
	if l.number%5 != 4 {
		l.hooks = append(l.hooks, l.opens("*"))
	}
	if l.number%5 == 3 {
		l.hooks = append(l.hooks, l.opens("payment.captured", "payment.refunded", "subscription.payment_failed"))
	}
}

func (l *lane) settings(name string) merchant.Settings {
	return merchant.Settings{
		Name: name + " " + l.digits(3), Country: l.market.country, TimeZone: l.market.zone,
		AllowedReturnURLs: []string{"https://shop.example/"}, PublicKeys: true,
	}
}

// shop has something happen to the merchant's account.
func (l *lane) shop(c merchant.Command) {
	by := l.command(operator)
	l.changes(by, c)
	by.send()
}

func (l *lane) changes(by *command, c merchant.Command) {
	events, err := merchant.Decide(l.merchants.of(l.merchantID), c)
	l.must(err)
	writes(by, l.merchants, l.merchantID, events...)
}

// issues issues a key to the merchant.
func (l *lane) issues(kind merchant.KeyKind) string {
	by := l.command(operator)
	c := merchant.IssueKey{ID: by.ID, Kind: kind, Hash: merchant.HashKey(l.drawRandom().String()), Now: l.now}
	l.changes(by, c)
	by.Claims = append(by.Claims, eventstore.Claim{Kind: api.ClaimKey, Value: c.Hash, Stream: l.merchantID})
	by.send()
	if kind == merchant.KeySecret && l.keyID == "" {
		l.keyID = c.KeyID()
	}
	return c.KeyID()
}

// settingsChange gives the merchant another look and another key.
func (l *lane) settingsChange() {
	l.shop(merchant.ChangeSettings{Settings: l.settings("Store")})
	png := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte(l.digits(16)), 64)...)
	by := l.command(l.asMerchant())
	logoID := logo.ID(l.merchantID, png)
	writes(by, l.logos, logoID, logo.Decide(l.logos.of(logoID), logo.Store{PNG: png})...)
	colour := "#" + strings.Repeat(l.digits(2), 3)
	l.changes(by, merchant.ChangeBrand{Colour: &colour, Logo: &merchant.Logo{ID: logoID, Width: 200, Height: 80}})
	by.send()
	l.shop(merchant.RevokeKey{KeyID: l.issues(merchant.KeySecret)})
}

// slowed is a merchant whose customers' cards fail, for a while.
func (l *lane) slowed() {
	judge := merchant.Judge{Attempts: 200, Failed: 150, AttemptsJudged: 100, Window: 10 * time.Minute, PerMinute: 20, Now: l.now}
	l.judges(judge)
	l.pass(11 * time.Minute)
	judge.Failed, judge.Now = 40, l.now
	l.judges(judge)
}

func (l *lane) judges(c merchant.Judge) {
	by := l.command(asSystem("limits"))
	l.changes(by, c)
	by.send()
}

// staffLooks is a person who joins, looks at something, and leaves.
func (l *lane) staffLooks() {
	personID := id.Format(id.Staff, l.draw())
	asks := func(by domain.Actor, c staff.Command) {
		cmd := l.command(by)
		cmd.MerchantID = ""
		events, err := staff.Decide(l.people.of(personID), c)
		l.must(err)
		if _, looks := c.(staff.Access); looks {
			reads(cmd, l.people, personID)
			writes(cmd, l.looks, staff.LooksStream(personID, l.now.Wall), events...)
		} else {
			writes(cmd, l.people, personID, events...)
		}
		cmd.send()
	}
	asks(operator, staff.Add{Name: "Person " + l.digits(4)})
	key := staff.IssueKey{
		ID: l.draw(), Role: staff.RoleFinance, Hash: merchant.HashKey(l.drawRandom().String()), ExpiresAt: l.now.Wall.AddDate(1, 0, 0), Now: l.now,
	}
	asks(operator, key)
	for range l.between(1, 5) {
		l.pass(time.Hour)
		asks(domain.Actor{Kind: domain.ActorStaff, ID: personID}, staff.Access{
			KeyID: key.KeyID(), Role: staff.RoleFinance, Mode: "test", Method: "GET", Path: "/audit/journal", Query: "merchant=" + l.merchantID, Now: l.now,
		})
	}
	asks(operator, staff.RevokeKey{KeyID: key.KeyID()})
}

// leavesOut is an event that a read model of before could not take in, and could later.
func (l *lane) leavesOut() {
	stream := readmodel.Stream("before_" + id.Format(id.ReadModel, l.draw()))
	decides := func(c readmodel.Command) {
		by := l.command(operator)
		by.MerchantID = ""
		events, err := readmodel.Decide(l.readModels.of(stream), c)
		l.must(err)
		writes(by, l.readModels, stream, events...)
		by.send()
	}
	decides(readmodel.Skip{Position: 1, Stream: l.merchantID, EventType: "merchant.created", Reason: "A fault of the fold."})
	l.pass(time.Hour)
	decides(readmodel.Restore{Position: 1, Reason: "The fold was mended."})
}
