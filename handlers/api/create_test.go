package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// with is a request for a session in which some members are others; nil takes
// one away.
func with(members object) object {
	o := handlerstest.Session(10_000)
	for name, value := range members {
		if value == nil {
			delete(o, name)
			continue
		}
		o[name] = value
	}
	return o
}

func checkoutOptions(o object) object { return object{"options": object{"checkout_options": o}} }

func cardOptions(o object) object {
	return object{"options": object{"payment_method_options": object{"card": o}}}
}

func returnURL(url string) object { return checkoutOptions(object{"return_url": url}) }

// pairs are n pairs of metadata.
func pairs(n int) object {
	o := object{}
	for i := range n {
		o[fmt.Sprint("k", i)] = "v"
	}
	return o
}

func ahead(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }

func TestCreateShowsTheSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun := time.Now()
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := b.Post(sessions, object{
		"amount": 10_000, "currency": "zar", "type": "one_time",
		"external_reference": "ORDER-10442_b", "metadata": object{"basket": "7", "Größe": "42"},
		"options": object{
			"checkout_options": object{
				"return_url": "https://shop.example/thanks?a=1#end", "save_payment_method": "never",
				"presentation_mode": object{"mode": "redirect"}, "expires_at": expires.Format(time.RFC3339), "locale": "en-ZA",
			},
			"payment_method_options": object{"card": object{"capture_method": "manual"}},
		},
	}).Is(201)
	a.Shows(object{
		"amount": 10_000, "currency": "ZAR", "type": "one_time", "status": "active", "payment_outcome": "not_started",
		"payment_status": "unpaid", "payment_id": nil, "last_payment_error": nil, "mode": "test", "version": 1,
		"external_reference": "ORDER-10442_b", "metadata.basket": "7", "metadata.Größe": "42",
		"return_url": "https://shop.example/thanks?a=1#end", "expires_at": expires.Format("2006-01-02T15:04:05.000Z"),
		"session_url":                                        handlerstest.BaseURL + "/checkout/" + a.Text("checkout_session_id"),
		"options.checkout_options.return_url":                "https://shop.example/thanks?a=1#end",
		"options.checkout_options.locale":                    "en-ZA",
		"options.checkout_options.expires_at":                expires.Format("2006-01-02T15:04:05.000Z"),
		"options.checkout_options.save_payment_method":       "never",
		"options.checkout_options.presentation_mode.mode":    "redirect",
		"options.payment_method_options.card.capture_method": "manual",
		"client_token": nil, "customer_id": nil,
	})
	created, err := time.Parse("2006-01-02T15:04:05.000Z", a.Text("created_at"))
	if err != nil || created.Before(begun.Add(-time.Second)) || created.After(time.Now()) || a.Text("updated_at") != a.Text("created_at") {
		t.Errorf("created_at is %s, updated_at %s", a.Text("created_at"), a.Text("updated_at"))
	}
	for _, name := range []string{"Event-Position", "Request-Id"} {
		if a.Header.Get(name) == "" {
			t.Errorf("the header %s is missing", name)
		}
	}
	if a.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is a replay")
	}
	if got := b.Get(sessions + "/" + a.Text("id")).Is(200); string(got.Body) != string(a.Body) {
		t.Errorf("read it is\n%s\nnot\n%s", got.Body, a.Body)
	}
}

func TestCreateAccepts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		name string
		body object
		want object
	}{
		{"the least amount", with(object{"amount": 1}), object{"amount": 1}},
		{"the greatest amount", with(object{"amount": 999_999_999_999}), object{"amount": 999_999_999_999}},
		{"no type", with(nil), object{"type": "one_time", "external_reference": nil, "metadata": nil, "options": nil, "return_url": nil}},
		{"a currency without minor units", with(object{"currency": "JPY"}), object{"currency": "JPY"}},
		{"one with three digits", with(object{"currency": "bHd"}), object{"currency": "BHD"}},
		{"the longest reference", with(object{"external_reference": strings.Repeat("a", 255)}), object{"external_reference": strings.Repeat("a", 255)}},
		{"20 pairs of metadata", with(object{"metadata": pairs(20)}), object{"metadata.k19": "v"}},
		{"the longest pair, in characters", with(object{"metadata": object{strings.Repeat("ü", 50): strings.Repeat("€", 500)}}),
			object{"metadata." + strings.Repeat("ü", 50): strings.Repeat("€", 500)}},
		{"metadata without pairs", with(object{"metadata": object{}}), object{"metadata": nil}},
		{"success_url", with(checkoutOptions(object{"success_url": "https://shop.example/"})), object{"return_url": "https://shop.example/"}},
		{"an app's scheme", with(returnURL("za.co.shop+app://paid/here")), object{"return_url": "za.co.shop+app://paid/here"}},
		{"loopback in test mode", with(returnURL("http://localhost:3000/ok")), object{"return_url": "http://localhost:3000/ok"}},
		{"loopback by address", with(returnURL("http://127.0.0.1/ok")), object{"return_url": "http://127.0.0.1/ok"}},
		{"loopback by IPv6 address", with(returnURL("http://[::1]:80/ok")), object{"return_url": "http://[::1]:80/ok"}},
		{"automatic capture", with(cardOptions(object{"capture_method": "automatic"})), object{"options.payment_method_options.card.capture_method": "automatic"}},
		{"the nearest expiry", with(checkoutOptions(object{"expires_at": ahead(8 * time.Minute)})), nil},
		{"the farthest expiry", with(checkoutOptions(object{"expires_at": ahead(30*24*time.Hour - time.Minute)})), nil},
		{"an expiry in another zone", with(checkoutOptions(object{"expires_at": "2026-12-01T02:00:00.1239+02:00"})), object{"expires_at": "2026-12-01T00:00:00.123Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.name == "an expiry in another zone" {
				now := time.Now().Add(time.Hour).Truncate(time.Second).Add(123_900 * time.Microsecond)
				c.body = with(checkoutOptions(object{"expires_at": now.In(time.FixedZone("", 7200)).Format("2006-01-02T15:04:05.0000-07:00")}))
				c.want = object{"expires_at": now.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")}
			}
			b.of(t).Post(sessions, c.body).Is(201).Shows(c.want)
		})
	}
}

func TestCreateExpiresInADay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.Post(sessions, with(nil)).Is(201)
	created, _ := time.Parse(time.RFC3339, a.Text("created_at"))
	expires, _ := time.Parse(time.RFC3339, a.Text("expires_at"))
	if expires.Sub(created) != 24*time.Hour {
		t.Errorf("it lives from %s to %s", created, expires)
	}
}

// Each row is one thing that is wrong; what is blamed is that, by pointer.
func TestCreateRefusesEachField(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const (
		url     = "/options/checkout_options/return_url"
		expires = "/options/checkout_options/expires_at"
		locale  = "/options/checkout_options/locale"
		mode    = "/options/checkout_options/presentation_mode"
		capture = "/options/payment_method_options/card/capture_method"
	)
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, c := range []struct {
		name string
		body object
		want string
	}{
		{"no amount", with(object{"amount": nil}), "/amount: required"},
		{"amount null", with(object{"amount": raw("null")}), "/amount: wrong_type"},
		{"a negative amount", with(object{"amount": -1}), "/amount: too_small"},
		{"a fraction", with(object{"amount": 1.5}), "/amount: wrong_type"},
		{"a fraction that is none", with(object{"amount": raw("100.0")}), "/amount: wrong_type"},
		{"an exponent", with(object{"amount": raw("1e2")}), "/amount: wrong_type"},
		{"an absurd exponent", with(object{"amount": raw("1e400")}), "/amount: wrong_type"},
		{"a string", with(object{"amount": "100"}), "/amount: wrong_type"},
		{"a list", with(object{"amount": []int{1}}), "/amount: wrong_type"},
		{"true", with(object{"amount": true}), "/amount: wrong_type"},
		{"one too much", with(object{"amount": 1_000_000_000_000}), "/amount: too_large"},
		{"beyond 64 bits", with(object{"amount": raw("99999999999999999999")}), "/amount: too_large"},
		{"as far below", with(object{"amount": raw("-99999999999999999999")}), "/amount: too_small"},
		{"endless digits", with(object{"amount": raw(strings.Repeat("9", 5000))}), "/amount: too_large"},

		{"no currency", with(object{"currency": nil}), "/currency: required"},
		{"a number", with(object{"currency": 710}), "/currency: wrong_type"},
		{"no such currency", with(object{"currency": "ZZZ"}), "/currency: unknown_currency"},
		{"an empty currency", with(object{"currency": ""}), "/currency: unknown_currency"},
		{"blanks around", with(object{"currency": " ZAR"}), "/currency: unknown_currency"},
		{"other letters", with(object{"currency": "ΖΑR"}), "/currency: unknown_currency"},
		{"gold has no minor unit", with(object{"currency": "XAU"}), "/currency: unknown_currency"},
		{"a fund code", with(object{"currency": "CLF"}), "/currency: unknown_currency"},
		{"a withdrawn code", with(object{"currency": "DEM"}), "/currency: unknown_currency"},

		{"a type that is none", with(object{"type": "twice"}), "/type: not_an_option"},
		{"a type of the wrong type", with(object{"type": 1}), "/type: wrong_type"},

		{"a reference too long", with(object{"external_reference": strings.Repeat("a", 256)}), "/external_reference: too_long"},
		{"an empty reference", with(object{"external_reference": ""}), "/external_reference: too_short"},
		{"a blank in it", with(object{"external_reference": "a b"}), "/external_reference: invalid_format"},
		{"a line's end in it", with(object{"external_reference": "ab\n"}), "/external_reference: invalid_format"},
		{"letters beyond ASCII", with(object{"external_reference": "bär"}), "/external_reference: invalid_format"},
		{"a reference null", with(object{"external_reference": raw("null")}), "/external_reference: wrong_type"},

		{"21 pairs", with(object{"metadata": pairs(21)}), "/metadata: too_many"},
		{"a list of metadata", with(object{"metadata": []string{"a"}}), "/metadata: wrong_type"},
		{"a key too long", with(object{"metadata": object{strings.Repeat("k", 51): "v"}}), "/metadata/" + strings.Repeat("k", 51) + ": too_long"},
		{"an empty key", with(object{"metadata": object{"": "v"}}), "/metadata/: too_short"},
		{"a value too long", with(object{"metadata": object{"k": strings.Repeat("v", 501)}}), "/metadata/k: too_long"},
		{"an empty value", with(object{"metadata": object{"k": ""}}), "/metadata/k: too_short"},
		{"a value that is a number", with(object{"metadata": object{"a/b~c": 1}}), "/metadata/a~1b~0c: wrong_type"},
		{"a value that is an object", with(object{"metadata": object{"k": object{}}}), "/metadata/k: wrong_type"},
		{"U+0000 in a value", with(object{"metadata": object{"k": "a\x00b"}}), "/metadata/k: invalid_format"},

		{"options null", with(object{"options": raw("null")}), "/options: wrong_type"},
		{"options a string", with(object{"options": "none"}), "/options: wrong_type"},
		{"checkout options a list", with(object{"options": object{"checkout_options": []int{}}}), "/options/checkout_options: wrong_type"},
		{"card options true", with(object{"options": object{"payment_method_options": object{"card": true}}}), "/options/payment_method_options/card: wrong_type"},

		{"an unknown field", with(object{"amuont": 1}), "/amuont: unknown"},
		{"one by another case", with(object{"Amount": 1}), "/Amount: unknown"},
		{"one in options", with(object{"options": object{"foo": 1}}), "/options/foo: unknown"},
		{"one in checkout options", with(checkoutOptions(object{"cancel_url": "https://shop.example"})), "/options/checkout_options/cancel_url: unknown"},
		{"another method", with(object{"options": object{"payment_method_options": object{"zapper": object{}}}}), "/options/payment_method_options/zapper: unknown"},
		{"one in card options", with(cardOptions(object{"brand": "VISA"})), "/options/payment_method_options/card/brand: unknown"},
		{"one in the mode", with(checkoutOptions(object{"presentation_mode": object{"mode": "redirect", "x": 1}})), mode + "/x: unknown"},

		{"no URL", with(returnURL("")), url + ": invalid_format"},
		{"a path", with(returnURL("/thanks")), url + ": invalid_format"},
		{"no scheme", with(returnURL("shop.example/thanks")), url + ": invalid_format"},
		{"a script", with(returnURL("javascript:alert(1)")), url + ": invalid_format"},
		{"a script in disguise", with(returnURL("JaVaScRiPt:alert(1)")), url + ": invalid_format"},
		{"a script behind a blank", with(returnURL(" javascript:alert(1)")), url + ": invalid_format"},
		{"a script behind a tab", with(returnURL("java\tscript:alert(1)")), url + ": invalid_format"},
		{"a script with slashes", with(returnURL("javascript://%0aalert(1)")), url + ": invalid_format"},
		{"data", with(returnURL("data:text/html,x")), url + ": invalid_format"},
		{"vbscript", with(returnURL("vbscript:x")), url + ": invalid_format"},
		{"file", with(returnURL("file:///etc/passwd")), url + ": invalid_format"},
		{"blob", with(returnURL("blob:https://x/1")), url + ": invalid_format"},
		{"about", with(returnURL("about:blank")), url + ": invalid_format"},
		{"intent", with(returnURL("intent://x#Intent;end")), url + ": invalid_format"},
		{"a scheme of one letter", with(returnURL("a://b")), url + ": invalid_format"},
		{"a scheme too long", with(returnURL(strings.Repeat("a", 32) + "://b")), url + ": invalid_format"},
		{"user and password", with(returnURL("https://user:pass@shop.example/")), url + ": invalid_format"},
		{"a user", with(returnURL("https://shop.example@evil.example/")), url + ": invalid_format"},
		{"no host", with(returnURL("https:///thanks")), url + ": invalid_format"},
		{"a host that is none", with(returnURL("https:shop.example")), url + ": invalid_format"},
		{"a back slash", with(returnURL(`https://shop.example\@evil.example`)), url + ": invalid_format"},
		{"a blank in the URL", with(returnURL("https://shop.example/a b")), url + ": invalid_format"},
		{"a new line in the URL", with(returnURL("https://shop.example/a\nb")), url + ": invalid_format"},
		{"plain http", with(returnURL("http://shop.example/")), url + ": invalid_format"},
		{"http to what looks like loopback", with(returnURL("http://localhost.evil.example/")), url + ": invalid_format"},
		{"http to a private address", with(returnURL("http://192.168.1.1/")), url + ": invalid_format"},
		{"a URL too long", with(returnURL("https://shop.example/" + strings.Repeat("a", 2048))), url + ": invalid_format"},
		{"a number for a URL", with(checkoutOptions(object{"return_url": 1})), url + ": wrong_type"},
		{"both names of the URL", with(checkoutOptions(object{"return_url": "https://a.example", "success_url": "https://b.example"})),
			"/options/checkout_options/success_url: contradiction"},
		{"a script by the other name", with(checkoutOptions(object{"success_url": "javascript:x"})), "/options/checkout_options/success_url: invalid_format"},

		{"an expiry too near", with(checkoutOptions(object{"expires_at": ahead(4 * time.Minute)})), expires + ": too_small"},
		{"an expiry in the past", with(checkoutOptions(object{"expires_at": ahead(-time.Hour)})), expires + ": too_small"},
		{"an expiry too far", with(checkoutOptions(object{"expires_at": ahead(30*24*time.Hour + 2*time.Hour)})), expires + ": too_large"},
		{"an expiry in the year 9999", with(checkoutOptions(object{"expires_at": "9999-12-31T23:59:59Z"})), expires + ": too_large"},
		{"an expiry without a zone", with(checkoutOptions(object{"expires_at": "2026-11-25T12:00:00"})), expires + ": invalid_format"},
		{"an expiry that is no day", with(checkoutOptions(object{"expires_at": "2027-02-30T12:00:00Z"})), expires + ": invalid_format"},
		{"seconds since 1970", with(checkoutOptions(object{"expires_at": 1_800_000_000})), expires + ": wrong_type"},
		{"a locale that is none", with(checkoutOptions(object{"locale": "english!"})), locale + ": invalid_format"},
		{"an empty locale", with(checkoutOptions(object{"locale": ""})), locale + ": invalid_format"},
		{"no mode", with(checkoutOptions(object{"presentation_mode": object{}})), mode + "/mode: required"},
		{"a mode that is none", with(checkoutOptions(object{"presentation_mode": object{"mode": "popup"}})), mode + "/mode: not_an_option"},
		{"a mode that is a string", with(checkoutOptions(object{"presentation_mode": "redirect"})), mode + ": wrong_type"},
		{"capture later", with(cardOptions(object{"capture_method": "later"})), capture + ": not_an_option"},
		{"capture null", with(cardOptions(object{"capture_method": raw("null")})), capture + ": wrong_type"},
		{"no such way to save", with(checkoutOptions(object{"save_payment_method": "maybe"})), "/options/checkout_options/save_payment_method: not_an_option"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			blames(t, b.of(t).Post(sessions, c.body), c.want)
		})
	}
}

func TestCreateNamesEverythingAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.Post(sessions, object{
		"amount": "much", "currency": "ZZZ", "type": "never", "external_reference": "a b", "foo": 1,
		"metadata": object{"k": 1, "l": ""},
		"options": object{
			"bar": 2, "customer_id": "cus_1",
			"checkout_options": object{
				"return_url": "javascript:x", "expires_at": ahead(time.Minute), "locale": "?", "save_payment_method": "perhaps",
				"presentation_mode": object{"mode": "popup", "baz": 3},
			},
			"payment_method_options": object{"card": object{"capture_method": "later"}},
		},
	})
	a.Problem(400, "invalid_request")
	const checkout = "/options/checkout_options"
	blames(t, a,
		"/amount: wrong_type", "/currency: unknown_currency", "/type: not_an_option", "/external_reference: invalid_format", "/foo: unknown",
		"/metadata/k: wrong_type", "/metadata/l: too_short", "/options/bar: unknown", "/options/customer_id: invalid_format",
		checkout+"/return_url: invalid_format", checkout+"/expires_at: too_small", checkout+"/locale: invalid_format",
		checkout+"/save_payment_method: not_an_option", checkout+"/presentation_mode/mode: not_an_option",
		checkout+"/presentation_mode/baz: unknown", "/options/payment_method_options/card/capture_method: not_an_option",
	)
}

// Amounts and fields of captures and voids.
func TestOperationsRefuseFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	for _, c := range []struct {
		name, operation string
		body            any
		want            string
	}{
		{"capture 0", "captures", object{"amount": 0}, "/amount: too_small"},
		{"capture less", "captures", object{"amount": -1}, "/amount: too_small"},
		{"capture a fraction", "captures", object{"amount": 1.5}, "/amount: wrong_type"},
		{"capture a string", "captures", object{"amount": "100"}, "/amount: wrong_type"},
		{"capture an exponent", "captures", `{"amount":1e400}`, "/amount: wrong_type"},
		{"capture null", "captures", `{"amount":null}`, "/amount: wrong_type"},
		{"capture beyond", "captures", object{"amount": 1_000_000_000_000}, "/amount: too_large"},
		{"capture with a currency", "captures", object{"currency": "ZAR"}, "/currency: unknown"},
		{"capture with bad metadata", "captures", object{"metadata": object{"k": 1}}, "/metadata/k: wrong_type"},
		{"void an amount", "voids", object{"amount": 1}, "/amount: not_allowed"},
		{"void with a reason", "voids", object{"reason": "x"}, "/reason: unknown"},
		{"void with bad metadata", "voids", object{"metadata": 1}, "/metadata: wrong_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			blames(t, b.of(t).Post(payments+"/"+paymentID+"/"+c.operation, c.body), c.want)
		})
	}
	t.Run("cancel with a reason", func(t *testing.T) {
		t.Parallel()
		c := b.of(t)
		sessionID, _ := c.Create(10_000)
		blames(t, c.Post(sessions+"/"+sessionID+"/cancel", object{"reason": "x"}), "/reason: unknown")
	})
}
