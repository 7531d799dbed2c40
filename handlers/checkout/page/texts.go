package page

// T is the text for a key in the page's language. Where nothing is charged, that is
// the text which doesn't speak of paying, if there is one; where the page is about
// another way to pay than a card, the one which doesn't speak of cards.
func (s shown) T(key string, pairs ...string) (string, error) {
	if verify := "verify." + key; s.Verifies && s.texts.has(verify) {
		key = verify
	} else if account := "account." + key; s.kind() != "" && s.texts.has(account) {
		key = account
	}
	return s.texts.text(key, pairs...)
}

// Title is the text of the page's heading and of the browser's tab.
func (s shown) Title() (string, error) {
	switch s.State {
	case StateForm:
		return s.Heading()
	case StateSucceeded:
		return s.T("succeeded." + s.success() + ".title")
	case StateProblem:
		return s.T("problem." + string(s.Problem) + ".title")
	default:
		return s.T(string(s.State)+".title", "where", s.Where())
	}
}

// Heading is that of the form: what it asks for.
func (s shown) Heading() (string, error) {
	one := s.OneWay()
	switch {
	case s.OnlyCards():
		return s.T("pay.heading")
	case one != nil:
		return s.T("pay.heading_way", "method", one.Text)
	default:
		return s.T("pay.heading_choice")
	}
}

// TabTitle begins with the error if there is one, for those who hear it first.
func (s shown) TabTitle() (string, error) {
	title, err := s.Title()
	if err == nil && len(s.FieldErrors()) > 0 {
		title, err = s.T("title.error", "title", title)
	}
	if err == nil && s.Merchant != "" {
		title, err = s.T("title.site", "title", title, "merchant", s.Merchant)
	}
	return title, err
}

// Text is the sentence below the heading of a page that has just one.
func (s shown) Text() (string, error) {
	key := string(s.State)
	if s.State == StateSucceeded {
		key += "." + s.success()
	}
	if s.State == StateProblem {
		key += "." + string(s.Problem)
	}
	return s.T(key+".text", "merchant", s.Merchant, "method", s.WayName(), "where", s.Where(), "phone", s.PhoneMasked)
}

func (s shown) success() string {
	if s.texts.has("succeeded." + s.Outcome + ".title") {
		return s.Outcome
	}
	return "paid"
}

// Declined says what the customer can do after a try that failed.
func (s shown) Declined() (string, error) {
	if key := "declined." + s.LastError; s.texts.has(key) {
		return s.T(key)
	}
	return s.T("declined.other")
}

// TriesLeft says how many tries are left once they are few, else nothing.
func (s shown) TriesLeft() (string, error) {
	if s.AttemptsLeft < 1 || s.AttemptsLeft > attemptsLeftFew {
		return "", nil
	}
	return s.Plural("declined.left", s.AttemptsLeft)
}

// schemeName is a trademark, the same in all languages.
func schemeName(scheme string) string {
	names := map[string]string{
		"VISA": "Visa", "MASTERCARD": "Mastercard", "AMEX": "Amex", "DINERS": "Diners Club",
		"DISCOVER": "Discover", "UNIONPAY": "UnionPay", "MAESTRO": "Maestro",
	}
	if name, ok := names[scheme]; ok {
		return name
	}
	return scheme
}
