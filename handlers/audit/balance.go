package audit

import (
	"math/big"
	"net/http"

	"tender/domain/journal"
	desk "tender/handlers/staff"
	"tender/projections"
)

// trial is a trial balance on the wire.
type trial struct {
	Mode      string            `json:"mode"`
	Merchants []string          `json:"merchants,omitempty"`
	Basis     projections.Basis `json:"basis"`
	// Position is the last of the log that is in it; EffectiveBefore, by the effective
	// basis, where it is cut.
	Position        int64           `json:"position"`
	EffectiveBefore string          `json:"effective_before,omitempty"`
	Currencies      []trialCurrency `json:"currencies"`
}

type trialCurrency struct {
	Currency string         `json:"currency"`
	Exponent *int           `json:"exponent,omitempty"`
	Accounts []trialAccount `json:"accounts"`
	// Debits and credits of all accounts; their difference must be 0.
	DebitMinor  string `json:"debit_minor"`
	CreditMinor string `json:"credit_minor"`
	SumMinor    string `json:"sum_minor"`
	Balanced    bool   `json:"balanced"`
}

type trialAccount struct {
	Account      journal.Account `json:"account"`
	DebitMinor   string          `json:"debit_minor"`
	CreditMinor  string          `json:"credit_minor"`
	BalanceMinor string          `json:"balance_minor"` // positive: a debit balance
	Balance      string          `json:"balance,omitempty"`
}

// trialBalance answers with the sums of all accounts.
func (a *Audit) trialBalance(w http.ResponseWriter, r *desk.Request, m *mode) error {
	basis, asOf := readBasis(r), readWhen(r, "as_of")
	if err := r.Done(); err != nil {
		return err
	}
	q := projections.JournalQuery{Merchants: r.Merchants}
	var err error
	if basis == projections.BasisEffective && !asOf.counted {
		q.Before = asOf.before
		q.UpTo, err = m.last(r.Context(), r, when{})
	} else {
		q.UpTo, err = m.last(r.Context(), r, asOf)
	}
	if err != nil {
		return err
	}
	if err := m.reach(r.Context(), q.UpTo); err != nil {
		return err
	}
	balances, err := m.entries.Balances(r.Context(), q)
	if err != nil {
		return err
	}
	return desk.JSON(w, http.StatusOK, trial{
		Mode: m.name, Merchants: r.Merchants, Basis: basis, Position: q.UpTo, EffectiveBefore: timeText(q.Before),
		Currencies: currenciesOf(balances),
	})
}

// currenciesOf groups balances, which come by currency.
func currenciesOf(balances []projections.Balance) []trialCurrency {
	out := []trialCurrency{}
	for len(balances) > 0 {
		c := trialCurrency{Currency: balances[0].Currency, Exponent: exponentOf(balances[0].Currency), Accounts: []trialAccount{}}
		debit, credit := new(big.Int), new(big.Int)
		for len(balances) > 0 && balances[0].Currency == c.Currency {
			b := balances[0]
			balances = balances[1:]
			debit.Add(debit, b.Debit)
			credit.Add(credit, b.Credit)
			c.Accounts = append(c.Accounts, trialAccount{
				Account: b.Account, DebitMinor: b.Debit.String(), CreditMinor: b.Credit.String(),
				BalanceMinor: b.Net().String(), Balance: decimal(b.Net(), b.Currency),
			})
		}
		rest := new(big.Int).Sub(debit, credit)
		c.DebitMinor, c.CreditMinor, c.SumMinor, c.Balanced = debit.String(), credit.String(), rest.String(), rest.Sign() == 0
		out = append(out, c)
	}
	return out
}
