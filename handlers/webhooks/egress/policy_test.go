package egress_test

import (
	"strings"
	"testing"

	"tender/handlers/webhooks/egress"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	production := egress.Policy{}
	development := egress.Policy{AllowLoopback: true}
	ports := egress.Policy{Ports: []uint16{8443}}
	for _, c := range []struct {
		policy   egress.Policy
		url      string
		accepted bool
	}{
		{production, "https://shop.example/hooks", true},
		{production, "https://shop.example", true},
		{production, "https://shop.example:443/hooks?a=b", true},
		{production, "https://shop.example:80/hooks", true},
		{production, "https://shop.example./hooks", true},
		{production, "https://93.184.216.34/hooks", true},
		{production, "https://[2606:2800:220:1:248:1893:25c8:1946]/hooks", true},
		{production, "HTTPS://SHOP.EXAMPLE/hooks", true},

		{production, "", false},
		{production, "https://", false},
		{production, "https:///hooks", false},
		{production, "https:shop.example", false},
		{production, "//shop.example/hooks", false},
		{production, "shop.example", false},
		{production, "http://shop.example/hooks", false},
		{production, "ftp://shop.example/hooks", false},
		{production, "file:///etc/passwd", false},
		{production, "javascript:alert(1)", false},
		{production, "https://user:pass@shop.example/", false},
		{production, "https://user@shop.example/", false},
		{production, "https://@shop.example/", false},
		{production, "https://shop.example/#top", false},
		{production, "https://shop.example/#", false},
		{production, "https://shop.example:8443/hooks", false},
		{production, "https://shop.example:22/", false},
		{production, "https://shop.example:0/", false},
		{production, "https://shop.example:65979/", false}, // 443 + 65536
		{production, "https://shop.example:-1/", false},
		{production, "https://shop example/", false},
		{production, "https://shop.example/a b", false},
		{production, "https://shop.example/\r\nHost: x", false},
		{production, "https://shop.example/ü", false},
		{production, "https://shop.example/" + strings.Repeat("x", 2048), false},
		{production, "https://localhost/", false},
		{production, "https://LOCALHOST./", false},
		{production, "https://x.localhost/", false},
		{production, "https://printer.local/", false},
		{production, "https://metadata.google.internal/", false},
		{production, "https://intranet/", false},
		{production, "https://127.0.0.1/", false},
		{production, "https://127.1/", false},
		{production, "https://2130706433/", false},
		{production, "https://0x7f.0.0.1/", false},
		{production, "https://0177.0.0.01/", false},
		{production, "https://0x7f000001/", false},
		{production, "https://017700000001/", false},
		{production, "https://127.0x1/", false},
		{production, "https://127.0.0.1./", false},
		{production, "https://%E2%91%A0%E2%91%A1%E2%91%A6.0.0.%E2%91%A0/", false}, // circled digits: 127.0.0.1
		{production, "https://%EF%BC%91%EF%BC%90.0.0.x%EF%BC%91/", false},         // wide ones
		{production, "https://127%E3%80%820%E3%80%820%E3%80%821.example/", false}, // ideographic full stops
		{production, "https://%c3%bc.example/", false},
		{production, "https://xn--tda.example/", true}, // the same, as DNS knows it
		{production, "https://shop_1.example/", true},
		{production, "https://a,b.example/", false},
		{production, "https://a..b.example/", false},
		{production, "https://.shop.example/", false},
		{production, "https://" + strings.Repeat("a", 64) + ".example/", false},
		{production, "https://" + strings.Repeat("a.", 124) + "example/", false},
		{production, "https://shop.example\\@10.0.0.1/", false},
		{production, "https://10.0.0.1/", false},
		{production, "https://169.254.169.254/latest/meta-data/", false},
		{production, "https://[::1]/", false},
		{production, "https://[::ffff:127.0.0.1]/", false},
		{production, "https://[64:ff9b::7f00:1]/", false},
		{production, "https://[fe80::1%25eth0]/", false},
		{production, "http://127.0.0.1:8000/", false},

		{development, "http://127.0.0.1:8000/hooks", true},
		{development, "http://localhost:8000/hooks", true},
		{development, "http://[::1]:8000/hooks", true},
		{development, "https://localhost:8000/hooks", true},
		{development, "https://shop.example/hooks", true},
		{development, "http://shop.example/hooks", false},
		{development, "http://10.0.0.1/hooks", false},
		{development, "http://localhost.shop.example/", false},
		{development, "http://user@localhost:8000/", false},
		{development, "ftp://localhost/", false},
		{development, "https://shop.example:8000/hooks", false},

		{ports, "https://shop.example:8443/hooks", true},
		{ports, "https://shop.example:8444/hooks", false},
	} {
		if why := c.policy.CheckURL(c.url); (why == "") != c.accepted {
			t.Errorf("%+v: %q: %q, want accepted: %v", c.policy, c.url, why, c.accepted)
		}
	}
}

// What the check lets pass, an egress can at least try to send to.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://shop.example/hooks", "https://[::1]/", "https://127.1/", "https://a@b/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if (egress.Policy{}).CheckURL(raw) != "" {
			return
		}
		if !strings.HasPrefix(strings.ToLower(raw), "https://") || strings.ContainsAny(raw, " \r\n#") {
			t.Fatalf("%q passes", raw)
		}
	})
}
