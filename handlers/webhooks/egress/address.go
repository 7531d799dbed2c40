package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// special lists what no message may go to, from the registries of special-purpose
// addresses (IANA, RFC 6890 and its updates) and of metadata services. IPv6 is
// the other way round: only global unicast may be reached, less what is named
// here.
var special = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "this host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared address space"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("168.63.129.16/32"), "metadata service"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"}, // 169.254.169.254 among them
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignments"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.31.196.0/24"), "AS112"},
	{netip.MustParsePrefix("192.52.193.0/24"), "AMT"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("192.175.48.0/24"), "AS112"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"}, // broadcast among them

	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fc00::/7"), "private"}, // fd00:ec2::254 among them
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("2001::/23"), "protocol assignments"}, // Teredo among them
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("2002::/16"), "6to4"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "AS112"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	// nat64 leads to the IPv4 address in its last four bytes: behind it lies
	// what lies at that address.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	// isatap interface identifiers stand before an IPv4 address in any network.
	isatap = [][4]byte{{0x00, 0x00, 0x5e, 0xfe}, {0x02, 0x00, 0x5e, 0xfe}}
)

// Special says what kind of special address a is, or "" for one that anybody on
// the internet has. IPv4 inside IPv6 is judged as what it leads to.
func Special(a netip.Addr) string {
	if !a.IsValid() {
		return "not an address"
	}
	if a.Zone() != "" {
		return "zoned"
	}
	a = a.Unmap() // ::ffff:0:0/96
	for _, s := range special {
		if s.prefix.Contains(a) {
			return s.what
		}
	}
	if a.Is4() {
		return ""
	}
	bytes := a.As16()
	inner := netip.AddrFrom4([4]byte(bytes[12:]))
	if nat64.Contains(a) {
		return Special(inner)
	}
	if !globalUnicast.Contains(a) {
		return "not global unicast"
	}
	if slices.Contains(isatap, [4]byte(bytes[8:12])) {
		return Special(inner)
	}
	return ""
}

// BlockedError says that a connection was refused here, before it was made,
// because of where it leads.
type BlockedError struct {
	Address string // host and port
	Why     string
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("%s is not an address that messages go to: %s", e.Address, e.Why)
}

// judge decides whether a connection to an address, as resolved, may be made.
// Plain connections go to loopback only.
func (p Policy) judge(address string, plain bool) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return &BlockedError{Address: address, Why: "not an address"}
	}
	if p.AllowLoopback && isLoopback(target.Addr()) {
		return nil
	}
	if plain {
		return &BlockedError{Address: address, Why: "without TLS"}
	}
	if why := Special(target.Addr()); why != "" {
		return &BlockedError{Address: address, Why: why}
	}
	if !p.allowsPort(target.Port()) {
		return &BlockedError{Address: address, Why: "port " + strconv.Itoa(int(target.Port()))}
	}
	return nil
}

func (p Policy) allowsPort(port uint16) bool {
	return port == 80 || port == 443 || slices.Contains(p.Ports, port)
}

func isLoopback(a netip.Addr) bool {
	return a.Zone() == "" && a.Unmap().IsLoopback()
}
