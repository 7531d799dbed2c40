package eventstore

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitUnacked makes the kernel give a connection up whose peer doesn't
// acknowledge what was sent; keepalives alone only find a peer that is idle.
func limitUnacked(_, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) {
		// A socket that isn't TCP refuses, and needs no limit.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unackedMax.Milliseconds()))
	})
}
