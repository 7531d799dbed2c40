package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
)

// auditTrial is a trial balance.
type auditTrial struct {
	Mode            string `json:"mode"`
	Basis           string `json:"basis"`
	Position        int64  `json:"position"`
	EffectiveBefore string `json:"effective_before"`
	Currencies      []struct {
		auditSums
		Accounts []struct {
			Account      string `json:"account"`
			DebitMinor   string `json:"debit_minor"`
			CreditMinor  string `json:"credit_minor"`
			BalanceMinor string `json:"balance_minor"`
		} `json:"accounts"`
		DebitMinor  string `json:"debit_minor"`
		CreditMinor string `json:"credit_minor"`
		SumMinor    string `json:"sum_minor"`
		Balanced    bool   `json:"balanced"`
	} `json:"currencies"`
}

func layTrial(w io.Writer, b auditTrial) error {
	fmt.Fprintf(w, "The %s log's journal as of position %d, by the %s time%s\n\n", b.Mode, b.Position, b.Basis, before(b.EffectiveBefore))
	t := newTable("CURRENCY", "ACCOUNT", ">DEBIT", ">CREDIT", ">BALANCE")
	var off []string
	for _, c := range b.Currencies {
		for _, a := range c.Accounts {
			t.row(c.Currency, a.Account, decimalOf(a.DebitMinor, c.Exponent), decimalOf(a.CreditMinor, c.Exponent), decimalOf(a.BalanceMinor, c.Exponent))
		}
		t.row(c.Currency, "all", decimalOf(c.DebitMinor, c.Exponent), decimalOf(c.CreditMinor, c.Exponent), decimalOf(c.SumMinor, c.Exponent))
		if !c.Balanced {
			off = append(off, c.write(c.SumMinor))
		}
	}
	if err := t.print(w); err != nil {
		return err
	}
	if off != nil {
		return errors.Newf("the journal does not add up to zero: it is off by %s", strings.Join(off, ", "))
	}
	return nil
}

// before says where a period by the effective time ends.
func before(t string) string {
	if t == "" {
		return ""
	}
	return ", before " + dayTime(t)
}

// auditStatement is what is owed to a merchant over a period.
type auditStatement struct {
	Mode            string `json:"mode"`
	MerchantID      string `json:"merchant_id"`
	Basis           string `json:"basis"`
	TimeZone        string `json:"time_zone"`
	From            int64  `json:"from"`
	To              int64  `json:"to"`
	EffectiveFrom   string `json:"effective_from"`
	EffectiveBefore string `json:"effective_before"`
	Lines           []struct {
		auditSums
		Row          string `json:"row"`
		BalanceMinor string `json:"balance_minor"`
		Movement     *struct {
			Position    int64  `json:"position"`
			EventType   string `json:"event_type"`
			RecordedAt  string `json:"recorded_at"`
			EffectiveAt string `json:"effective_at"`
			PaymentID   string `json:"payment_id"`
			Reference   string `json:"reference"`
			AmountMinor string `json:"amount_minor"`
		} `json:"movement"`
	} `json:"lines"`
}

func layStatement(w io.Writer, s auditStatement) error {
	period := ""
	if s.EffectiveFrom != "" {
		period = " from " + dayTime(s.EffectiveFrom) + before(s.EffectiveBefore)
	}
	fmt.Fprintf(w, "What is owed to %s in the %s log: positions %d to %d, by the %s time%s; days in %s, times in UTC\n\n",
		s.MerchantID, s.Mode, s.From, s.To, s.Basis, period, s.TimeZone)
	t := newTable("CURRENCY", "WHAT", ">POSITION", "RECORDED", "EFFECTIVE", "PAYMENT", ">AMOUNT", ">BALANCE", "REFERENCE")
	for _, l := range s.Lines {
		balance := decimalOf(l.BalanceMinor, l.Exponent)
		m := l.Movement
		if m == nil {
			t.row(l.Currency, strings.ReplaceAll(l.Row, "_", " "), "", "", "", "", "", balance, "")
			continue
		}
		t.row(l.Currency, m.EventType, strconv.FormatInt(m.Position, 10), dayTime(m.RecordedAt), dayTime(m.EffectiveAt), m.PaymentID,
			decimalOf(m.AmountMinor, l.Exponent), balance, m.Reference)
	}
	return t.print(w)
}
