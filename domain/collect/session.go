package collect

import (
	"errors"

	"tender/domain/customer"
	"tender/domain/session"
)

// errUnattended says that a session without the customer is created by StartCharge
// alone, with its only attempt.
var errUnattended = errors.New("collect: a session without the customer is not created without its charge")

// CreateSession returns a session that a customer comes to. Owner is the customer
// that it names, zero if it names none; one who is made along with it is given as
// newcomer. It is theirs, and lives on their clock. One that nobody could pay is
// refused.
func CreateSession(owner customer.State, newcomer *customer.Create, takes Takes, c session.Create) (Changes, error) {
	if c.Type == session.TypeNextInSeries {
		return Changes{}, errUnattended
	}
	var changes Changes
	switch {
	case newcomer != nil:
		c.CustomerID, c.ClockID = newcomer.CustomerID(), newcomer.ClockID
		changes.Customer = Stream[customer.Event]{ID: c.CustomerID, New: true, Events: customer.DecideCreate(*newcomer)}
	case c.CustomerID != "":
		if owner.Exists() && owner.ID != c.CustomerID {
			return Changes{}, ErrIncomplete
		}
		if err := owner.Available(); err != nil {
			return Changes{}, err
		}
		first := c.Type == session.TypeFirstInSeries
		if err := owner.HasRoom(customer.Brings{
			Method: c.Save == session.SaveAlways, Mandate: first, Subscription: first && c.Series != nil && c.Series.Plan != nil,
		}); err != nil {
			return Changes{}, err
		}
		c.ClockID = owner.ClockID
	}
	events, err := session.DecideCreate(c)
	if err != nil {
		return Changes{}, err
	}
	var s session.State
	for _, e := range events {
		s = session.Evolve(s, c.SessionID(), "", e)
	}
	if len(takes.Offered(s)) == 0 {
		return Changes{}, ErrNothingOffered
	}
	changes.Session = Stream[session.Event]{ID: c.SessionID(), New: true, Events: events}
	return changes, nil
}
