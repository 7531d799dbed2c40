package checkout

import (
	"net/http"

	"tender/domain/id"
	"tender/domain/method"
	"tender/handlers/body"
	"tender/handlers/problem"
)

// readAttempt reads a try to pay that came as JSON.
func readAttempt(w http.ResponseWriter, r *http.Request) (attemptInput, error) {
	f, err := readJSON(w, r)
	if err != nil {
		return attemptInput{}, err
	}
	var in attemptInput
	in.attemptID, _ = f.Text("attempt_id")
	if save, ok := f.Boolean("save_payment_method"); ok {
		in.save = &save
	}
	in.accept, _ = f.Boolean("accept_mandate")
	m := f.Object("payment_method")
	if m == nil {
		if !f.Has("payment_method") {
			f.Wrong("payment_method", problem.Required, "The payment method must be given.")
		}
		return in, f.Done()
	}
	if !m.Has("type") {
		m.Wrong("type", problem.Required, "The type must be given.")
	}
	switch typ := m.Option("type", "", typesOfAttempts...); typ {
	case "":
		return in, f.Done() // what else has to stand there the type says
	case typeSaved:
		readSaved(m, &in)
	case string(method.KindCard):
		in.kind = method.KindCard
		readCard(m, &in.card)
	default:
		in.kind = method.Kind(typ)
		readAccount(m, &in)
	}
	m.Unknown()
	return in, f.Done()
}

// typeSaved is the type of an attempt with a saved method.
const typeSaved = "saved"

// typesOfAttempts are what an attempt may be made with.
var typesOfAttempts = func() []string {
	var all []string
	for _, w := range method.Ways() {
		all = append(all, string(w.Kind))
	}
	return append(all, typeSaved)
}()

// readAccount reads what a kind of method asks for. Whether it is right the kind says.
func readAccount(m *body.Fields, in *attemptInput) {
	way, _ := in.kind.Way()
	name := string(in.kind)
	a := m.Object(name)
	if a == nil {
		if !m.Has(name) {
			m.Wrong(name, problem.Required, "The field must be present.")
		}
		return
	}
	if way.AsksBank() {
		in.account.Bank, _ = a.Text(method.FieldBank)
	}
	if way.AsksPhone() {
		in.account.Phone, _ = a.Text(method.FieldPhone)
	}
	a.Unknown()
}

// readSaved reads which saved method pays. Whether its CVC is needed the merchant
// says, not the request.
func readSaved(m *body.Fields, in *attemptInput) {
	methodID, ok := m.Text("payment_method_id")
	switch {
	case !ok && !m.Has("payment_method_id"):
		m.Wrong("payment_method_id", problem.Required, "The payment method must be named.")
	case ok && !id.Valid(id.Method, methodID):
		m.Wrong("payment_method_id", problem.InvalidFormat, "This is not the id of a payment method: they begin with pmt_.")
	}
	in.methodID = methodID
	in.card.CVC, _ = m.Text("cvc")
}

func readCard(m *body.Fields, card *method.CardInput) {
	c := m.Object("card")
	if c == nil {
		if !m.Has("card") {
			m.Wrong("card", problem.Required, "The card must be given.")
		}
		return
	}
	for name, into := range map[string]*string{"number": &card.Number, "cvc": &card.CVC} {
		if !c.Has(name) {
			c.Wrong(name, problem.Required, "The field must be present.")
		}
		*into, _ = c.Text(name)
	}
	for name, into := range map[string]*int{"exp_month": &card.ExpMonth, "exp_year": &card.ExpYear} {
		if !c.Has(name) {
			c.Wrong(name, problem.Required, "The field must be present.")
		}
		n, _ := c.Integer(name)
		*into = int(n)
	}
	card.Name, _ = c.Text("name")
	c.Unknown()
}
