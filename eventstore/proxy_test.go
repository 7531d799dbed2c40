package eventstore_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/errors"
)

// proxy stands between a store and PostgreSQL and cuts connections.
type proxy struct {
	listener net.Listener
	target   string

	toServer, toClient budget

	mu    sync.Mutex
	conns map[net.Conn]bool
	cuts  atomic.Int64
}

// budget is how many more bytes pass in one direction before the connection that
// carries them is cut; none while it isn't armed. It fires once.
type budget struct {
	mu    sync.Mutex
	armed bool
	left  int
}

func (b *budget) arm(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed, b.left = true, n
}

// spend returns how many of n bytes may pass, and whether the cut comes after them.
func (b *budget) spend(n int) (pass int, cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.armed || n < b.left {
		b.left -= n
		return n, false
	}
	b.armed = false
	return b.left, true
}

// throughProxy returns a proxy and the URL that leads through it.
func throughProxy(t *testing.T, target string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: u.Host, conns: make(map[net.Conn]bool)}
	t.Cleanup(p.stop)
	go p.accept(listener)
	u.Host = listener.Addr().String()
	return p, u.String()
}

// stop cuts all connections and lets no new one through.
func (p *proxy) stop() {
	_ = p.listener.Close()
	p.cutAll()
}

// resume undoes stop.
func (p *proxy) resume(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p.listener = listener
	go p.accept(listener)
}

func (p *proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		go p.pass(server, client, &p.toServer)
		go p.pass(client, server, &p.toClient)
	}
}

// pass copies until either side ends or the budget is spent, then closes both.
func (p *proxy) pass(to, from net.Conn, b *budget) {
	defer p.forget(to, from)
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		pass, cut := b.spend(n)
		if _, werr := to.Write(buffer[:pass]); werr != nil {
			return
		}
		if cut {
			p.cuts.Add(1)
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				reset(to)
			}
			return
		}
	}
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}

// cutAll resets every connection there is.
func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
		_ = c.Close()
	}
	clear(p.conns)
}

// reset makes closing c an RST instead of a FIN.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
