package webhooks

import (
	"net/http"
)

// UsesProxy reports whether either of the egress's ways out asks for a proxy.
func UsesProxy(e *Egress) bool {
	for _, c := range []*http.Client{e.secure, e.plain} {
		if c.Transport.(*http.Transport).Proxy != nil {
			return true
		}
	}
	return false
}

// Judge is what the dialer asks about each address.
func (p Policy) Judge(address string, plain bool) error { return p.judge(address, plain) }
