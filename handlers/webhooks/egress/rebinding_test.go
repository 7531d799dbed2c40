package egress_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"tender/handlers/webhooks/egress"
)

var silent = log.New(io.Discard, "", 0)

// nameserver answers every question with the addresses that are set at the time.
type nameserver struct {
	mu        sync.Mutex
	addresses []netip.Addr
	conn      net.PacketConn
}

func newNameserver(t *testing.T) *nameserver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameserver{conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve()
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return n
}

func (n *nameserver) answer(addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses = nil
	for _, a := range addresses {
		n.addresses = append(n.addresses, netip.MustParseAddr(a))
	}
}

func (n *nameserver) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *nameserver) serve() {
	buffer := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var question dnsmessage.Message
		if question.Unpack(buffer[:size]) != nil || len(question.Questions) != 1 {
			continue
		}
		reply := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: question.ID, Response: true, Authoritative: true, RecursionAvailable: true},
			Questions: question.Questions, Answers: n.records(question.Questions[0]),
		}
		packed, err := reply.Pack()
		if err == nil {
			_, _ = n.conn.WriteTo(packed, from)
		}
	}
}

func (n *nameserver) records(q dnsmessage.Question) []dnsmessage.Resource {
	n.mu.Lock()
	defer n.mu.Unlock()
	var records []dnsmessage.Resource
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 0}
	for _, a := range n.addresses {
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			records = append(records, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			records = append(records, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return records
}

// A name that leads elsewhere by the time it is connected to reaches nobody
// inside.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	inside := httptest.NewUnstartedServer(status(200))
	inside.Config.ErrorLog = silent
	inside.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	inside.StartTLS()
	t.Cleanup(inside.Close)
	port := inside.Listener.Addr().(*net.TCPAddr).Port

	names := newNameserver(t)
	resolver := names.resolver()
	policy := egress.Policy{Ports: []uint16{uint16(port)}}
	target := "https://shop.example.com:" + strconv.Itoa(port) + "/hooks"
	names.answer("93.184.216.34")
	if why := policy.CheckURL(target); why != "" {
		t.Fatal(why)
	}
	found, err := resolver.LookupHost(t.Context(), "shop.example.com")
	if err != nil || len(found) != 1 || found[0] != "93.184.216.34" {
		t.Fatalf("the name leads to %v, %v", found, err)
	}

	e := guarded(t, policy, egress.WithResolver(resolver))
	for _, answer := range [][]string{
		{"127.0.0.1"}, {"127.255.255.254"}, {"0.0.0.0"}, {"10.0.0.1"}, {"169.254.169.254"}, {"100.64.0.1"},
		{"::1"}, {"::ffff:127.0.0.1"}, {"::"}, {"fd00:ec2::254"}, {"fe80::1"}, {"64:ff9b::7f00:1"}, {"2002:7f00:1::"},
		{"127.0.0.1", "::1"}, {"10.0.0.1", "127.0.0.1", "::ffff:127.0.0.1"},
	} {
		names.answer(answer...)
		if a := e.Post(t.Context(), target, nil, []byte("{}")); a.Class != egress.Blocked {
			t.Errorf("%v: %+v", answer, a)
		}
	}
	if n := connections.Load(); n > 0 {
		t.Errorf("%d connections came through", n)
	}

	names.answer()
	if a := e.Post(t.Context(), target, nil, []byte("{}")); a.Class != egress.DNSFailed {
		t.Errorf("a name without an address: %+v", a)
	}
}

// A connection that is kept leads where it was judged, whatever the name leads to by
// now; and the next one is judged anew.
func TestRebindingOfKeptConnections(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(status(200))
	t.Cleanup(server.Close)
	port := strconv.Itoa(server.Listener.Addr().(*net.TCPAddr).Port)
	names := newNameserver(t)
	names.answer("127.0.0.1")
	e := guarded(t, egress.Policy{AllowLoopback: true, Ports: []uint16{uint16(server.Listener.Addr().(*net.TCPAddr).Port)}},
		egress.WithResolver(names.resolver()), egress.WithTLS(server.Client().Transport.(*http.Transport).TLSClientConfig))
	target := "https://example.com:" + port
	for _, inside := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254"} {
		if a := e.Post(t.Context(), target, nil, []byte("{}")); a.Class != egress.Succeeded || a.Address != "127.0.0.1:"+port {
			t.Errorf("while the name leads to %s: %+v", inside, a)
		}
		names.answer(inside)
	}
	e.Close() // no connection is kept
	if a := e.Post(t.Context(), target, nil, []byte("{}")); a.Class != egress.Blocked || a.Address != "" {
		t.Errorf("a new connection: %+v", a)
	}
}

// The guard lets through what is allowed: the same way, with loopback allowed.
func TestNamedReceiver(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(status(200))
	t.Cleanup(server.Close)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	names := newNameserver(t)
	names.answer("127.0.0.1")
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig
	target := "https://example.com:" + strconv.Itoa(port)

	allowed := guarded(t, egress.Policy{AllowLoopback: true, Ports: []uint16{uint16(port)}}, egress.WithResolver(names.resolver()), egress.WithTLS(trusting))
	if a := allowed.Post(t.Context(), target, nil, []byte("{}")); a.Class != egress.Succeeded {
		t.Errorf("%+v", a)
	}
	refused := guarded(t, egress.Policy{Ports: []uint16{uint16(port)}}, egress.WithResolver(names.resolver()), egress.WithTLS(trusting))
	if a := refused.Post(t.Context(), target, nil, []byte("{}")); a.Class != egress.Blocked || a.Address != "" {
		t.Errorf("%+v", a)
	}
	wrongScheme := allowed.Post(t.Context(), "http://example.com:"+strconv.Itoa(port), nil, nil)
	if wrongScheme.Class != egress.Blocked {
		t.Errorf("plain HTTP to a name: %+v", wrongScheme)
	}
}
