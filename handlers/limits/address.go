package limits

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"
)

// The headers in which a proxy may say for whom it asks.
const (
	HeaderXForwardedFor = "X-Forwarded-For"
	HeaderForwarded     = "Forwarded" // RFC 7239
)

// hopsMax bounds how far a chain of proxies is followed.
const hopsMax = 32

// networkBits is how much of an IPv6 address stands for one customer: a subscriber
// gets a /64 at least, and all addresses in it.
const networkBits = 64

// Proxies are those who are believed when they say for whom they ask. The zero
// Proxies believes nobody.
type Proxies struct {
	trusted []netip.Prefix
	header  string
}

// ParseProxies reads ranges or single addresses, by comma, and the header that all of
// these proxies set. A header that they pass on as it came is worth nothing, so there
// is one, and not whichever is there.
func ParseProxies(ranges, header string) (Proxies, error) {
	p := Proxies{header: http.CanonicalHeaderKey(header)}
	if p.header != HeaderXForwardedFor && p.header != HeaderForwarded {
		return Proxies{}, errors.Newf("%q is not a header that says for whom a proxy asks: it is %s or %s", header, HeaderXForwardedFor, HeaderForwarded)
	}
	for text := range strings.SplitSeq(ranges, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if one, err := netip.ParseAddr(text); err == nil {
			one = one.Unmap()
			p.trusted = append(p.trusted, netip.PrefixFrom(one, one.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix.Addr().Is4In6() {
			return Proxies{}, errors.Newf("%q is neither an address nor a range such as 10.0.0.0/8", text)
		}
		p.trusted = append(p.trusted, prefix.Masked())
	}
	return p, nil
}

// Address is where a request comes from: the end of the connection, or, as long as
// that is a trusted proxy, the hop before it. What stands before the first hop that is
// not trusted is that hop's own word, and counts for nothing. The zero address: it is
// not known.
func (p Proxies) Address(r *http.Request) netip.Addr {
	at := parseHop(r.RemoteAddr)
	if !p.trusts(at) {
		return at
	}
	hops := p.hops(r.Header)
	for _, hop := range slices.Backward(hops) {
		before := parseHop(hop)
		if !before.IsValid() {
			return at // it hides, or says what nobody can follow
		}
		if at = before; !p.trusts(at) {
			return at
		}
	}
	return at
}

func (p Proxies) trusts(a netip.Addr) bool {
	return a.IsValid() && slices.ContainsFunc(p.trusted, func(r netip.Prefix) bool { return r.Contains(a) })
}

// hops are the addresses that the header names, the nearest last.
func (p Proxies) hops(h http.Header) []string {
	var all []string
	for element := range strings.SplitSeq(strings.Join(h.Values(p.header), ","), ",") {
		if p.header == HeaderForwarded {
			element = forwardedFor(element)
		}
		all = append(all, strings.TrimSpace(element))
	}
	return all[max(0, len(all)-hopsMax):]
}

// forwardedFor is the address in one element of Forwarded; "" if it names none.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// parseHop reads an address with or without a port.
func parseHop(text string) netip.Addr {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone("")
	}
	at, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return at.Unmap().WithZone("")
}

// network is what of an address is counted: all of IPv4, the /64 of IPv6.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = networkBits
	}
	return netip.PrefixFrom(a, bits).Masked()
}
