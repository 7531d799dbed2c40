package egress

import "net/http"

// UsesProxy reports whether either of the client's ways out asks for a proxy.
func UsesProxy(c *Client) bool {
	for _, way := range []*http.Client{c.secure, c.plain} {
		if way.Transport.(*http.Transport).Proxy != nil {
			return true
		}
	}
	return false
}

// Judge is what the dialer asks about each address.
func (p Policy) Judge(address string, plain bool) error { return p.judge(address, plain) }
