package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors"
)

// Class is the kind of a try's outcome.
type Class string

const (
	// Succeeded: a 2xx, headers and body, in time.
	Succeeded Class = "succeeded"
	// Gone: 410, the endpoint wants no more.
	Gone Class = "gone"
	// Redirected: a 3xx, which is never followed.
	Redirected Class = "redirect"
	// Rejected: any other status.
	Rejected Class = "status"

	// Blocked: refused here, because of where it leads.
	Blocked Class = "blocked"
	// DNSFailed: the name has no address.
	DNSFailed Class = "dns"
	// Refused: nobody listens there.
	Refused Class = "refused"
	// Unreachable: no way leads there.
	Unreachable Class = "unreachable"
	// TLSFailed: no agreement on TLS, or a certificate that is not trusted.
	TLSFailed Class = "tls"
	// TimedOut: no connection in time.
	TimedOut Class = "timeout"
	// TooSlow: connected, but the answer was not complete in time.
	TooSlow Class = "too_slow"
	// Reset: the connection broke before the answer was complete.
	Reset Class = "reset"
	// Garbled: what came is not HTTP, or goes beyond its limits.
	Garbled Class = "protocol"

	// Abandoned: stopped from here; not a try.
	Abandoned Class = "abandoned"
)

// Success reports whether the message counts as delivered.
func (c Class) Success() bool { return c == Succeeded }

// Failure is the class of error to be shown where there is no status that says
// it all: "" for those that a status tells.
func (c Class) Failure() string {
	switch c {
	case Succeeded, Gone, Redirected, Rejected:
		return ""
	case Blocked, DNSFailed, Refused, Unreachable, TLSFailed, TimedOut, TooSlow, Reset, Garbled, Abandoned:
		return string(c)
	}
	return string(c)
}

func ofStatus(status int) Class {
	switch {
	case status >= 200 && status <= 299:
		return Succeeded
	case status >= 300 && status <= 399:
		return Redirected
	case status == http.StatusGone:
		return Gone
	default:
		return Rejected
	}
}

// ofError tells errors of one try apart. connected says whether there was a
// connection to send the message over.
func ofError(err error, connected bool) Class {
	var blocked *BlockedError
	var dns *net.DNSError
	switch {
	case errors.As(err, &blocked):
		return Blocked
	case isTimeout(err) && connected:
		return TooSlow
	case isTimeout(err):
		return TimedOut // a resolver that doesn't answer, too
	case errors.As(err, &dns):
		return DNSFailed
	case isTLS(err):
		return TLSFailed
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return Unreachable
	case isBroken(err):
		return Reset
	default:
		return Garbled
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &timeout) && timeout.Timeout()
}

func isTLS(err error) bool {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		// The rest of crypto/tls has no types: a handshake's errors say "tls: …",
		// an alert of the other side arrives as "remote error: tls: …".
		strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

func isBroken(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "server closed idle connection") ||
		strings.Contains(err.Error(), "http2: ") || strings.Contains(err.Error(), "stream error: ")
}
