// Package limits keeps those who try out stolen cards, or guess at what belongs to
// one, from doing so at a checkout: it holds every limit against abuse, counts what
// fails, and says who has to wait and until when.
//
// It decides nothing about money and knows nothing of the log's streams. What it
// counts may be lost: then somebody may try again before their time.
package limits

import "time"

// Limits are how much is borne. docs/abuse-limits.md says what counts as failed.
type Limits struct {
	// CardsPerSession is how many different cards one session may try. The session's
	// own stream counts them.
	CardsPerSession int
	// FailuresPerAddress is how many attempts from one address may fail within
	// [FailuresWindow].
	FailuresPerAddress int
	// SessionsPerCard is in how many sessions, of any merchants, an attempt with one
	// card may fail within [FailuresWindow], or one telephone be asked to approve
	// without doing so. Those sessions themselves may go on.
	SessionsPerCard int
	// AttemptsJudged is from how many attempts within [JudgedWindow] on a merchant is
	// slowed if more than half of them failed.
	AttemptsJudged int
	// SlowedPerMinute is how many attempts a minute a slowed merchant's customers may
	// make, all together.
	SlowedPerMinute int
}

// The windows that limits look back over.
const (
	FailuresWindow = time.Hour
	JudgedWindow   = 10 * time.Minute
)

// testFactor is how many times as much is borne in test mode, where the cards are
// known to everybody and one machine plays many customers.
const testFactor = 1000

// Live are the limits of live mode.
func Live() Limits {
	return Limits{
		CardsPerSession:    4,
		FailuresPerAddress: 20,
		SessionsPerCard:    5,
		AttemptsJudged:     100,
		SlowedPerMinute:    10,
	}
}

// Test are the limits of test mode.
func Test() Limits {
	l := Live()
	for _, n := range []*int{&l.CardsPerSession, &l.FailuresPerAddress, &l.SessionsPerCard, &l.AttemptsJudged, &l.SlowedPerMinute} {
		*n *= testFactor
	}
	return l
}
