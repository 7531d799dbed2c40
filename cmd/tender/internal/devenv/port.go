package devenv

import (
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
)

// Ports are drawn from here: below what Linux gives to outgoing connections, and
// beside those of the private PostgreSQL.
const (
	portFirst    = 18000
	portLast     = 19999
	portTriesMax = 50
)

// ErrNoFreePort says that no port was found to listen on.
var ErrNoFreePort = errors.New("no free port on 127.0.0.1")

// Listen listens on a free port of 127.0.0.1: the one that is kept in the file,
// for as long as it is free, else a new one, which is then kept there. It hands
// out the listener, not the number, so that nobody can come between.
func Listen(keptIn string) (net.Listener, error) {
	content, err := os.ReadFile(keptIn)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Wrap(err, "read the kept port")
	}
	// What is no number is as good as no port: a new one is found.
	if kept, err := strconv.Atoi(strings.TrimSpace(string(content))); err == nil {
		if l, err := listen(kept); err == nil {
			return l, nil
		}
	}
	for range portTriesMax {
		port := portFirst + rand.IntN(portLast-portFirst+1)
		l, err := listen(port)
		if err != nil {
			continue
		}
		if err := replace(keptIn, strconv.Itoa(port)+"\n"); err != nil {
			_ = l.Close()
			return nil, err
		}
		return l, nil
	}
	return nil, ErrNoFreePort
}

// Port is the number that a listener of Listen has.
func Port(l net.Listener) int {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0
	}
	return addr.Port
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
