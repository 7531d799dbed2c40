package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/bench"
	"tender/handlers/webhooks"
)

// receiverHeaderTimeout bounds how long a message's headers may take.
const receiverHeaderTimeout = time.Minute

// runBenchReceiver is the other side of the webhooks that are measured, in a process
// of its own: it prints the URLs that it listens at, one line, and when stdin ends
// what has arrived. Each endpoint has a listener, as servers of different merchants
// have.
func runBenchReceiver(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	fs := newFlags("bench receiver", stderr)
	endpoints := fs.Int("endpoints", 1, "how many endpoints there are")
	hanging := fs.Int("hanging", 0, "how many of them, from the first on, take messages and never answer")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	var mu sync.Mutex
	arrived := bench.NewArrivals()
	accept := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
		at := time.Now()
		mu.Lock()
		defer mu.Unlock()
		arrived.Add(r.Header.Get(webhooks.HeaderID), at)
	}
	urls := make([]string, *endpoints)
	for i := range urls {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return errors.Wrap(err, "listen for webhooks")
		}
		urls[i] = "http://" + l.Addr().String() + "/"
		server := &http.Server{ReadHeaderTimeout: receiverHeaderTimeout, Handler: http.HandlerFunc(accept)}
		if i < *hanging {
			server.Handler = http.HandlerFunc(hang)
		}
		defer func() { _ = server.Close() }()
		go func() { _ = server.Serve(l) }()
	}
	fmt.Fprintln(stdout, strings.Join(urls, " "))
	over := make(chan struct{})
	go func() { defer close(over); _, _ = io.Copy(io.Discard, stdin) }()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
	}
	mu.Lock()
	defer mu.Unlock()
	return arrived.Write(stdout)
}

// receiver is such a process.
type receiver struct {
	urls []string

	process *exec.Cmd
	stop    io.Closer
	output  io.Reader
}

// startReceiver starts one, and returns once it listens.
func (b *benchmark) startReceiver(endpoints, hanging int) (*receiver, error) {
	r := &receiver{process: exec.Command(b.self, "bench", benchReceiver, //nolint:gosec // ourselves
		"--endpoints", fmt.Sprint(endpoints), "--hanging", fmt.Sprint(hanging))}
	r.process.Stderr = b.out
	stdin, err := r.process.StdinPipe()
	if err != nil {
		return nil, errors.Wrap(err, "start a receiver")
	}
	stdout, err := r.process.StdoutPipe()
	if err != nil {
		return nil, errors.Wrap(err, "start a receiver")
	}
	if err := r.process.Start(); err != nil {
		return nil, errors.Wrap(err, "start a receiver")
	}
	r.stop, r.output = stdin, stdout
	line, err := readLine(stdout)
	if err != nil {
		r.kill()
		return nil, errors.Wrap(err, "start a receiver")
	}
	r.urls = strings.Fields(line)
	return r, nil
}

// readLine reads to the first line's end and no further.
func readLine(r io.Reader) (string, error) {
	var line bytes.Buffer
	one := make([]byte, 1)
	for {
		if _, err := io.ReadFull(r, one); err != nil {
			return "", err
		}
		if one[0] == '\n' {
			return line.String(), nil
		}
		line.Write(one)
	}
}

// finish ends it, and returns what has arrived and the processor time that it used.
func (r *receiver) finish() (*bench.Arrivals, time.Duration, error) {
	_ = r.stop.Close()
	arrived, err := bench.ReadArrivals(r.output)
	err = errors.CombineErrors(err, r.process.Wait())
	return arrived, usedBy(r.process), err
}

// kill ends it for want of a better end; after finish it does nothing.
func (r *receiver) kill() {
	if r.process.ProcessState == nil {
		_ = r.process.Process.Kill()
		_ = r.process.Wait()
	}
}

// usedBy is the processor time of a process that has ended, as the kernel counted it.
func usedBy(ended *exec.Cmd) time.Duration {
	return ended.ProcessState.UserTime() + ended.ProcessState.SystemTime()
}
