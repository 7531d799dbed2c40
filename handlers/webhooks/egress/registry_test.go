package egress_test

import (
	"net/netip"
	"testing"

	"tender/handlers/webhooks/egress"
)

// registered are all ranges of IANA's registries of special-purpose addresses
// (iana-ipv4-special-registry, iana-ipv6-special-registry), those of multicast, and
// what the architecture of IPv6 sets apart (RFC 4291), up to RFC 9780. Those that a
// registry calls globally reachable are no merchant's servers either: anycast
// services, relays, AS112.
var registered = []struct{ prefix, what string }{
	{"0.0.0.0/8", "this network, RFC 791"},
	{"0.0.0.0/32", "this host on this network, RFC 1122"},
	{"10.0.0.0/8", "private use, RFC 1918"},
	{"100.64.0.0/10", "shared address space, RFC 6598"},
	{"127.0.0.0/8", "loopback, RFC 1122"},
	{"169.254.0.0/16", "link local, RFC 3927"},
	{"172.16.0.0/12", "private use, RFC 1918"},
	{"192.0.0.0/24", "IETF protocol assignments, RFC 6890"},
	{"192.0.0.0/29", "IPv4 service continuity prefix, RFC 7335"},
	{"192.0.0.8/32", "IPv4 dummy address, RFC 7600"},
	{"192.0.0.9/32", "port control protocol anycast, RFC 7723"},
	{"192.0.0.10/32", "TURN anycast, RFC 8155"},
	{"192.0.0.170/32", "NAT64/DNS64 discovery, RFC 8880"},
	{"192.0.0.171/32", "NAT64/DNS64 discovery, RFC 8880"},
	{"192.0.2.0/24", "documentation (TEST-NET-1), RFC 5737"},
	{"192.31.196.0/24", "AS112-v4, RFC 7535"},
	{"192.52.193.0/24", "AMT, RFC 7450"},
	{"192.88.99.0/24", "6to4 relay anycast, RFC 7526"},
	{"192.88.99.2/32", "6a44 relay anycast, RFC 6751"},
	{"192.168.0.0/16", "private use, RFC 1918"},
	{"192.175.48.0/24", "direct delegation AS112, RFC 7534"},
	{"198.18.0.0/15", "benchmarking, RFC 2544"},
	{"198.51.100.0/24", "documentation (TEST-NET-2), RFC 5737"},
	{"203.0.113.0/24", "documentation (TEST-NET-3), RFC 5737"},
	{"224.0.0.0/4", "multicast, RFC 5771"},
	{"240.0.0.0/4", "reserved, RFC 1112"},
	{"255.255.255.255/32", "limited broadcast, RFC 8190"},

	{"::/128", "unspecified, RFC 4291"},
	{"::1/128", "loopback, RFC 4291"},
	{"::/96", "IPv4-compatible, RFC 4291"},
	{"64:ff9b:1::/48", "IPv4/IPv6 translation of local use, RFC 8215"},
	{"100::/64", "discard only, RFC 6666"},
	{"100:0:0:1::/64", "dummy prefix, RFC 9780"},
	{"2001::/23", "IETF protocol assignments, RFC 2928"},
	{"2001::/32", "Teredo, RFC 4380"},
	{"2001:1::1/128", "port control protocol anycast, RFC 7723"},
	{"2001:1::2/128", "TURN anycast, RFC 8155"},
	{"2001:1::3/128", "DNS-SD service registration anycast, RFC 9665"},
	{"2001:2::/48", "benchmarking, RFC 5180"},
	{"2001:3::/32", "AMT, RFC 7450"},
	{"2001:4:112::/48", "AS112-v6, RFC 7535"},
	{"2001:10::/28", "ORCHID, RFC 4843"},
	{"2001:20::/28", "ORCHIDv2, RFC 7343"},
	{"2001:30::/28", "drone remote ids, RFC 9374"},
	{"2001:db8::/32", "documentation, RFC 3849"},
	{"2002::/16", "6to4, RFC 3056"},
	{"2620:4f:8000::/48", "direct delegation AS112, RFC 7534"},
	{"3fff::/20", "documentation, RFC 9637"},
	{"5f00::/16", "segment routing ids, RFC 9602"},
	{"fc00::/7", "unique local, RFC 4193"},
	{"fe80::/10", "link local unicast, RFC 4291"},
	{"fec0::/10", "site local, RFC 3879"},
	{"ff00::/8", "multicast, RFC 4291"},
}

// judgedInside are the registered ranges that hold all of IPv4: what they lead to is
// judged.
var judgedInside = []struct{ prefix, what string }{
	{"::ffff:0:0/96", "IPv4-mapped, RFC 4291"},
	{"64:ff9b::/96", "IPv4/IPv6 translation, RFC 6052"},
}

// last is the highest address of a prefix.
func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for i := p.Bits(); i < len(bytes)*8; i++ {
		bytes[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(bytes)
	return a
}

// middle is one in the middle, so that no range is judged by its ends alone.
func middle(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	if p.Bits() < len(bytes)*8 {
		bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	}
	a, _ := netip.AddrFromSlice(bytes)
	return a
}

func TestNoRegisteredRangeIsReached(t *testing.T) {
	t.Parallel()
	production := egress.Policy{}
	for _, r := range registered {
		p := netip.MustParsePrefix(r.prefix)
		for _, a := range []netip.Addr{p.Addr(), middle(p), last(p)} {
			if !p.Contains(a) {
				t.Fatalf("%v is not in %v", a, p)
			}
			reached := []netip.Addr{a}
			if a.Is4() { // by each way round
				for _, inside := range judgedInside {
					bytes := netip.MustParsePrefix(inside.prefix).Addr().As16()
					four := a.As4()
					copy(bytes[12:], four[:])
					reached = append(reached, netip.AddrFrom16(bytes))
				}
			}
			for _, a := range reached {
				if egress.Special(a) == "" || production.Judge(netip.AddrPortFrom(a, 443).String(), false) == nil {
					t.Errorf("%v of %v (%s) is reached", a, p, r.what)
				}
			}
		}
	}
}

func TestWhatHoldsIPv4IsJudgedInside(t *testing.T) {
	t.Parallel()
	for _, r := range judgedInside {
		bytes := netip.MustParsePrefix(r.prefix).Addr().As16()
		copy(bytes[12:], []byte{93, 184, 216, 34})
		if why := egress.Special(netip.AddrFrom16(bytes)); why != "" {
			t.Errorf("%v of %s is %s", netip.AddrFrom16(bytes), r.what, why)
		}
	}
}
