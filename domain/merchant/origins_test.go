package merchant_test

import (
	"fmt"
	"strings"
	"testing"

	"tender/domain/merchant"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		origin     string
		test, live bool // whether it may be allowed
	}{
		{"https://shop.example", true, true},
		{"https://shop.example:8443", true, true},
		{"https://xn--bcher-kva.example", true, true},
		{"https://localhost:3000", true, true},
		{"https://10.0.0.1", true, true},
		{"http://localhost:3000", true, false},
		{"http://localhost", true, false},
		{"http://127.0.0.1:*", true, false},
		{"https://localhost:*", true, false},
		{"http://127.9.9.9:80", false, false},
		{"http://127.9.9.9:8080", true, false},
		{"http://127.9.9.256:8080", false, false},
		{"http://127.9.09.9:8080", false, false},
		{"http://127.9.9:8080", false, false},
		{"http://127.evil.example:8080", false, false},
		{"//shop.example", false, false},
		{"shop.example", false, false},
		{"https://shop.example:443", false, false},
		{"http://shop.example", false, false},
		{"https://shop.example:*", false, false},
		{"https://*.shop.example", false, false},
		{"https://*", false, false},
		{"*", false, false},
		{"null", false, false},
		{"", false, false},
		{"https://shop.example/", false, false},
		{"https://shop.example?x", false, false},
		{"https://shop.example#x", false, false},
		{"https://user@shop.example", false, false},
		{"https://Shop.example", false, false},
		{"HTTPS://shop.example", false, false},
		{"https://shop.example:", false, false},
		{"https://shop.example:0", false, false},
		{"https://shop.example:080", false, false},
		{"https://shop.example:70000", false, false},
		{"https://shop.example; script-src *", false, false},
		{"https://shop.example https://evil.example", false, false},
		{"https://shop.example,https://evil.example", false, false},
		{"https://sh_op.example", false, false},
		{"https://-shop.example", false, false},
		{"https://shop..example", false, false},
		{"https://bücher.example", false, false},
		{"http://[::1]:3000", false, false},
		{"ftp://localhost", false, false},
		{"javascript:alert(1)", false, false},
		{"https://" + strings.Repeat("a.", 150) + "example", false, false},
	} {
		for mode, want := range map[string]bool{"test": c.test, "live": c.live} {
			if says := merchant.OriginProblem(c.origin, mode); (says == "") != want {
				t.Errorf("%q in %s mode: %q", c.origin, mode, says)
			}
		}
	}
}

func TestListsOfOrigins(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range merchant.OriginsMax + 1 {
		many = append(many, fmt.Sprintf("https://shop%d.example", i))
	}
	for _, c := range []struct {
		name string
		list []string
		good bool
	}{
		{"none", nil, true},
		{"as many as there may be", many[:merchant.OriginsMax], true},
		{"one too many", many, false},
		{"twice", []string{many[0], many[1], many[0]}, false},
		{"one that is none", []string{many[0], "shop.example"}, false},
	} {
		if says := merchant.OriginsProblem(c.list, "live"); (says == "") != c.good {
			t.Errorf("%s: %q", c.name, says)
		}
	}
}

func TestAllowsOrigin(t *testing.T) {
	t.Parallel()
	s := merchant.State{Settings: merchant.Settings{AllowedOrigins: []string{"https://shop.example", "http://localhost:*"}}}
	for origin, want := range map[string]bool{
		"https://shop.example": true, "http://localhost": true, "http://localhost:3000": true,
		"https://shop.example:8443": false, "http://shop.example": false, "https://evil.example": false, "null": false, "": false,
		"http://localhost:": false, "http://localhost:*": false, "http://localhost.evil.example": false, "http://localhost:3000.evil.example": false,
		"https://localhost:3000": false,
	} {
		if got := s.AllowsOrigin(origin); got != want {
			t.Errorf("%q is allowed: %t", origin, got)
		}
	}
	if (merchant.State{}).AllowsOrigin("") {
		t.Error("no origin is allowed")
	}
}
