package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"tender/domain/webhook"
)

// Limits of a domain name, in bytes (RFC 1035).
const (
	domainNameMax  = 253
	domainLabelMax = 63
)

// Policy is what the operator allows of where messages go. The zero Policy is
// for production: HTTPS to public addresses at ports 80 and 443.
type Policy struct {
	// AllowLoopback lets messages reach this machine itself, at any port, over
	// plain HTTP, too: for development, in test mode only.
	AllowLoopback bool
	// Ports are allowed besides 80 and 443.
	Ports []uint16
}

// CheckURL says in a sentence why no endpoint may have this URL, or returns "".
// An address behind a name is judged when it is connected to, because DNS may
// say something else by then.
func (p Policy) CheckURL(raw string) string {
	if raw == "" || len(raw) > webhook.URLBytesMax {
		return fmt.Sprintf("The URL must be 1 to %d bytes long.", webhook.URLBytesMax)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || !printable(raw) {
		return "This is not a URL, such as https://example.com/webhooks."
	}
	switch {
	case u.User != nil:
		return "The URL may not hold a user name or a password."
	case strings.Contains(raw, "#"):
		return "The URL may not have a fragment."
	}
	local := p.AllowLoopback && namesLoopback(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return "The URL must begin with https://."
	}
	if local {
		return ""
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || !p.allowsPort(uint16(n)) {
			return "The URL's port is not allowed. Use 443."
		}
	}
	return checkHost(u.Hostname())
}

// checkHost refuses what would never be connected to, as early as it shows.
func checkHost(host string) string {
	if address, err := netip.ParseAddr(host); err == nil {
		if Special(address) != "" {
			return "The URL leads to an address that is not public."
		}
		return ""
	}
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case name == "localhost", last == "localhost", last == "internal", last == "local":
		return "The URL leads to an address that is not public."
	case !strings.Contains(name, "."):
		return "The URL's host is not a full domain name."
	case !isDomainName(name), last[0] >= '0' && last[0] <= '9':
		// 127.1, 0x7f.1, 2130706433: some resolvers take these for addresses. Digits
		// of other scripts, which a URL can hold in percent, become ours on the way.
		return "The URL's host is neither a domain name nor a full address."
	}
	return ""
}

// isDomainName reports whether a name in small letters is one that DNS may know: an
// international one stands there as xn--….
func isDomainName(name string) bool {
	if len(name) > domainNameMax {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > domainLabelMax || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

func namesLoopback(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return isLoopback(address)
	}
	return strings.EqualFold(host, "localhost")
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
