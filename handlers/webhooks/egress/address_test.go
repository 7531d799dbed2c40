package egress_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"tender/handlers/webhooks/egress"
)

// Both ends of every special range, what lies just beside it, and every form in
// which IPv4 hides in IPv6.
func TestSpecial(t *testing.T) {
	t.Parallel()
	for address, special := range map[string]bool{
		"0.0.0.0": true, "0.255.255.255": true, "1.0.0.0": false,
		"9.255.255.255": false, "10.0.0.0": true, "10.255.255.255": true, "11.0.0.0": false,
		"100.63.255.255": false, "100.64.0.0": true, "100.100.100.200": true, "100.127.255.255": true, "100.128.0.0": false,
		"126.255.255.255": false, "127.0.0.0": true, "127.0.0.1": true, "127.255.255.255": true, "128.0.0.0": false,
		"168.63.129.15": false, "168.63.129.16": true, "168.63.129.17": false,
		"169.253.255.255": false, "169.254.0.0": true, "169.254.169.254": true, "169.254.255.255": true, "169.255.0.0": false,
		"172.15.255.255": false, "172.16.0.0": true, "172.31.255.255": true, "172.32.0.0": false,
		"191.255.255.255": false, "192.0.0.0": true, "192.0.0.192": true, "192.0.0.255": true, "192.0.1.0": false,
		"192.0.1.255": false, "192.0.2.0": true, "192.0.2.255": true, "192.0.3.0": false,
		"192.31.195.255": false, "192.31.196.0": true, "192.31.196.255": true, "192.31.197.0": false,
		"192.52.192.255": false, "192.52.193.0": true, "192.52.193.255": true, "192.52.194.0": false,
		"192.88.98.255": false, "192.88.99.0": true, "192.88.99.255": true, "192.88.100.0": false,
		"192.167.255.255": false, "192.168.0.0": true, "192.168.255.255": true, "192.169.0.0": false,
		"192.175.47.255": false, "192.175.48.0": true, "192.175.48.255": true, "192.175.49.0": false,
		"198.17.255.255": false, "198.18.0.0": true, "198.19.255.255": true, "198.20.0.0": false,
		"198.51.99.255": false, "198.51.100.0": true, "198.51.100.255": true, "198.51.101.0": false,
		"203.0.112.255": false, "203.0.113.0": true, "203.0.113.255": true, "203.0.114.0": false,
		"223.255.255.255": false, "224.0.0.0": true, "239.255.255.255": true,
		"240.0.0.0": true, "255.255.255.254": true, "255.255.255.255": true,
		"8.8.8.8": false, "93.184.216.34": false,

		"::": true, "::1": true, "::2": true,
		"1fff:ffff::": true, "2000::": false, "2000::1": false,
		"2001::": true, "2001:0:4136:e378:8000:63bf:3fff:fdd2": true, "2001:1ff:ffff::": true, "2001:200::": false,
		"2001:10::": true, "2001:20::": true, "2001:2::": true, "2001:4:112::": true,
		"2001:db7:ffff::": false, "2001:db8::": true, "2001:db8:ffff::1": true, "2001:db9::": false,
		"2001:ffff::": false, "2002::": true, "2002:808:808::": true, "2002:7f00:1::": true, "2003::": false,
		"2620:4f:7fff::": false, "2620:4f:8000::1": true, "2620:4f:8001::": false,
		"3ffe:ffff::": false, "3fff::": true, "3fff:fff:ffff::1": true, "3fff:1000::": false,
		"4000::": true, "5f00::1": true, "100::1": true, "100:0:0:1::1": true,
		"fbff::1": true, "fc00::": true, "fd00:ec2::254": true, "fdff::1": true,
		"fe00::1": true, "fe80::1": true, "febf::1": true, "fec0::1": true, "feff::1": true,
		"ff00::": true, "ff02::1": true, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": true,
		"2606:2800:220:1:248:1893:25c8:1946": false, "2a00:1450:4001:81b::200e": false,

		// Mapped.
		"::ffff:127.0.0.1": true, "::ffff:10.0.0.1": true, "::ffff:169.254.169.254": true, "::ffff:7f00:1": true, "::ffff:8.8.8.8": false,
		// Compatible, and translated: nobody has these.
		"::127.0.0.1": true, "::8.8.8.8": true, "::ffff:0:127.0.0.1": true, "::ffff:0:8.8.8.8": true,
		// NAT64, well-known and local.
		"64:ff9b::127.0.0.1": true, "64:ff9b::10.1.2.3": true, "64:ff9b::a9fe:a9fe": true, "64:ff9b::8.8.8.8": false,
		"64:ff9b:1::8.8.8.8": true, "64:ff9b:1::10.0.0.1": true, "64:ff9b:0:0:0:1::": true,
		// ISATAP, with either bit.
		"2a00:1450::5efe:10.0.0.1": true, "2a00:1450::200:5efe:127.0.0.1": true, "2a00:1450::5efe:8.8.8.8": false,
		// Zones.
		"fe80::1%eth0": true, "2a00:1450:4001:81b::200e%eth0": true,
	} {
		why := egress.Special(netip.MustParseAddr(address))
		if (why != "") != special {
			t.Errorf("%s: %q, want special: %v", address, why, special)
		}
	}
	if egress.Special(netip.Addr{}) == "" {
		t.Error("no address at all is no public one")
	}
}

// Whatever form an IPv4 address comes in, it is not better than in its own.
func TestSpecialInEveryForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		four := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if egress.Special(netip.AddrFrom4(four)) == "" {
			return
		}
		for _, prefix := range []string{"::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2a00:1450::5efe:0:0", "2a00:1450::200:5efe:0:0"} {
			bytes := netip.MustParseAddr(prefix).As16()
			copy(bytes[12:], four[:])
			if a := netip.AddrFrom16(bytes); egress.Special(a) == "" {
				t.Fatalf("%v passes as %v", netip.AddrFrom4(four), a)
			}
		}
		var sixToFour [16]byte
		sixToFour[0], sixToFour[1] = 0x20, 0x02
		copy(sixToFour[2:], four[:])
		if egress.Special(netip.AddrFrom16(sixToFour)) == "" {
			t.Fatalf("%v passes by 6to4", netip.AddrFrom4(four))
		}
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	loopback := egress.Policy{AllowLoopback: true}
	for _, c := range []struct {
		policy  egress.Policy
		address string
		plain   bool
		allowed bool
	}{
		{egress.Policy{}, "8.8.8.8:443", false, true},
		{egress.Policy{}, "8.8.8.8:80", false, true},
		{egress.Policy{}, "8.8.8.8:443", true, false},
		{egress.Policy{}, "8.8.8.8:25", false, false},
		{egress.Policy{Ports: []uint16{25}}, "8.8.8.8:25", false, true},
		{egress.Policy{Ports: []uint16{25}}, "10.0.0.1:25", false, false},
		{egress.Policy{}, "127.0.0.1:443", false, false},
		{egress.Policy{}, "[::1]:443", false, false},
		{egress.Policy{}, "[::ffff:127.0.0.1]:443", false, false},
		{egress.Policy{}, "shop.example:443", false, false},
		{egress.Policy{}, "", false, false},
		{loopback, "127.0.0.1:9999", true, true},
		{loopback, "127.0.0.1:9999", false, true},
		{loopback, "[::1]:9999", true, true},
		{loopback, "[::ffff:127.0.0.1]:9999", true, true},
		{loopback, "[::1%lo]:9999", true, false},
		{loopback, "0.0.0.0:9999", true, false}, // connects to this host as well
		{loopback, "10.0.0.1:443", false, false},
		{loopback, "[64:ff9b::127.0.0.1]:443", false, false},
		{loopback, "8.8.8.8:80", true, false},
		{loopback, "8.8.8.8:443", false, true},
	} {
		if err := c.policy.Judge(c.address, c.plain); (err == nil) != c.allowed {
			t.Errorf("%+v: %s, plain %v: %v", c.policy, c.address, c.plain, err)
		}
	}
}
