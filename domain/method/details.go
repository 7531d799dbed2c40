package method

import (
	"encoding/json"
	"fmt"
)

// Details describe what a customer pays with, as far as it may be known outside the
// vault. In JSON they are the type, and a member of that name with the rest.
type Details struct {
	Type    Kind
	Card    *CardDetails    // of a card
	Account *AccountDetails // of every other kind
}

// CardOf returns the details of a card.
func CardOf(d CardDetails) Details { return Details{Type: KindCard, Card: &d} }

// AccountOf returns the details of an account of a kind.
func AccountOf(k Kind, d AccountDetails) Details { return Details{Type: k, Account: &d} }

const memberType = "type"

// MarshalJSON writes the type and the member that it names.
func (d Details) MarshalJSON() ([]byte, error) {
	typed := struct {
		Type Kind `json:"type"`
	}{d.Type}
	switch {
	case d.Card != nil:
		return MarshalKind(typed, d.Type, d.Card)
	case d.Account != nil:
		return MarshalKind(typed, d.Type, d.Account)
	}
	return json.Marshal(typed)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Details) UnmarshalJSON(b []byte) error {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &members); err != nil {
		return fmt.Errorf("read the details of a payment method: %w", err)
	}
	var read Details
	if err := json.Unmarshal(members[memberType], &read.Type); err != nil {
		return fmt.Errorf("read the type of a payment method: %w", err)
	}
	inner, given := members[string(read.Type)]
	var err error
	switch {
	case !given:
	case read.Type == KindCard:
		err = json.Unmarshal(inner, &read.Card)
	default:
		err = json.Unmarshal(inner, &read.Account)
	}
	if err != nil {
		return fmt.Errorf("read the details of a payment method: %w", err)
	}
	*d = read
	return nil
}

// MarshalKind writes an object and, after its own members, one that is named after a
// kind of method. The object has at least one member.
func MarshalKind(object any, k Kind, inner any) ([]byte, error) {
	b, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("write a payment method: %w", err)
	}
	member, err := json.Marshal(map[Kind]any{k: inner})
	if err != nil {
		return nil, fmt.Errorf("write a payment method: %w", err)
	}
	b[len(b)-1] = ','
	return append(b, member[1:]...), nil
}
