package limits_test

import (
	"net/http"
	"testing"

	"tender/handlers/limits"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	const proxies = "10.0.0.0/8, 192.0.2.7, 2001:db8:ffff::/48"
	for _, c := range []struct {
		name, trusted, header, remote string
		sent                          http.Header
		want                          string
	}{
		{"directly", "", "X-Forwarded-For", "198.51.100.1:4711", nil, "198.51.100.1"},
		{"directly, with a claim", "", "X-Forwarded-For", "198.51.100.1:4711", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "198.51.100.1"},
		{"a stranger with a claim", proxies, "X-Forwarded-For", "198.51.100.1:4711", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "198.51.100.1"},
		{"by a proxy", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "203.0.113.9"},
		{"by a proxy that is named alone", proxies, "X-Forwarded-For", "192.0.2.7:4711", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "203.0.113.9"},
		{"by one beside it", proxies, "X-Forwarded-For", "192.0.2.8:4711", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "192.0.2.8"},
		{"by a proxy that says nothing", proxies, "X-Forwarded-For", "10.1.2.3:4711", nil, "10.1.2.3"},
		{"with a forged beginning", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"X-Forwarded-For": {"1.2.3.4, 203.0.113.9"}}, "203.0.113.9"},
		{"with a forged header before", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"X-Forwarded-For": {"1.2.3.4", "203.0.113.9"}}, "203.0.113.9"},
		{"by two proxies", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"X-Forwarded-For": {"1.2.3.4, 203.0.113.9, 10.9.9.9"}}, "203.0.113.9"},
		{"by proxies alone", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"X-Forwarded-For": {"10.9.9.8,10.9.9.9"}}, "10.9.9.8"},
		{"from one who hides", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"X-Forwarded-For": {"1.2.3.4, unknown"}}, "10.1.2.3"},
		{"with a port", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"X-Forwarded-For": {"203.0.113.9:80"}}, "203.0.113.9"},
		{"with the other header", proxies, "X-Forwarded-For", "10.1.2.3:4711", http.Header{"Forwarded": {"for=203.0.113.9"}}, "10.1.2.3"},
		{"IPv6", "", "X-Forwarded-For", "[2001:db8::1]:4711", nil, "2001:db8::1"},
		{"IPv6 by a proxy", proxies, "X-Forwarded-For", "[2001:db8:ffff::1]:4711", http.Header{"X-Forwarded-For": {"2001:db8::2"}}, "2001:db8::2"},
		{"IPv6 with a zone", "", "X-Forwarded-For", "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"IPv4 within IPv6", proxies, "X-Forwarded-For", "[::ffff:10.1.2.3]:4711", http.Header{"X-Forwarded-For": {"::ffff:203.0.113.9"}}, "203.0.113.9"},
		{"Forwarded", proxies, "Forwarded", "10.1.2.3:4711", http.Header{"Forwarded": {`for=1.2.3.4, For="203.0.113.9:80";proto=https;by=10.1.2.3`}}, "203.0.113.9"},
		{"Forwarded, IPv6", proxies, "forwarded", "10.1.2.3:4711", http.Header{"Forwarded": {`proto=https;for="[2001:db8::2]:80"`}}, "2001:db8::2"},
		{"Forwarded, IPv6 without a port", proxies, "Forwarded", "10.1.2.3:4711", http.Header{"Forwarded": {`for="[2001:db8::2]"`}}, "2001:db8::2"},
		{"Forwarded, hidden", proxies, "Forwarded", "10.1.2.3:4711", http.Header{"Forwarded": {`for=1.2.3.4, for=_secret`}}, "10.1.2.3"},
		{"Forwarded, for nobody", proxies, "Forwarded", "10.1.2.3:4711", http.Header{"Forwarded": {`for=1.2.3.4, proto=https`}}, "10.1.2.3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := limits.ParseProxies(c.trusted, c.header)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Address(&http.Request{RemoteAddr: c.remote, Header: c.sent}); got.String() != c.want {
				t.Errorf("the address is %s, not %s", got, c.want)
			}
		})
	}
	if got := (limits.Proxies{}).Address(&http.Request{RemoteAddr: "@"}); got.IsValid() {
		t.Errorf("the address of one who has none is %s", got)
	}
}

func TestProxiesAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ ranges, header string }{
		{"10.0.0.0/8", "X-Real-IP"}, {"10.0.0.0/33", "Forwarded"}, {"everybody", "Forwarded"}, {"::ffff:10.0.0.0/104", "Forwarded"}, {"10.0.0.0-10.1.0.0", "Forwarded"},
	} {
		if _, err := limits.ParseProxies(c.ranges, c.header); err == nil {
			t.Errorf("%q by %q is taken", c.ranges, c.header)
		}
	}
}
