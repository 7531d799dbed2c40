package pgserver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
)

// New ports are drawn from here: below what Linux gives to outgoing connections,
// so that a kept port is rarely gone.
const (
	portFirst = 20000
	portLast  = 29999
)

// launchOnFreePort starts the server on the port that was asked for, else on the
// kept one, else on a new one, which it then keeps.
func (s *Server) launchOnFreePort(ctx context.Context) error {
	file := filepath.Join(s.config.DataDir, portFile)
	var err error
	for range launchTriesMax {
		if s.port, err = s.choosePort(file); err != nil {
			return err
		}
		if err = s.launch(ctx); err == nil {
			return writeFile(file, strconv.Itoa(s.port)+"\n")
		}
		// Between our look and its bind somebody was quicker.
		if !errors.Is(err, ErrPortTaken) || s.config.Port != 0 {
			return err
		}
	}
	return err
}

func (s *Server) choosePort(file string) (int, error) {
	if s.config.Port != 0 {
		s.port = s.config.Port
		if !free(s.port) {
			return 0, s.portTaken()
		}
		return s.port, nil
	}
	if content, err := os.ReadFile(file); err == nil {
		kept, err := strconv.Atoi(strings.TrimSpace(string(content)))
		if err == nil && free(kept) {
			return kept, nil
		}
	}
	for range portTriesMax {
		if port := portFirst + rand.IntN(portLast-portFirst+1); free(port) {
			return port, nil
		}
	}
	return 0, &fault{ErrPortTaken, fmt.Sprintf("No free port was found between %d and %d on 127.0.0.1: name one.", portFirst, portLast)}
}

func (s *Server) portTaken() error {
	return &fault{ErrPortTaken, fmt.Sprintf("Port %d on 127.0.0.1 is taken: stop what listens there, or choose another port for PostgreSQL.", s.port)}
}

func free(port int) bool {
	if port < 1 || port > 65535 {
		return false
	}
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
