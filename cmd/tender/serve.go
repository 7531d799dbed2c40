package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
)

// runServe serves the roles that it is told, against services that are there.
func runServe(ctx context.Context, args []string, _, stderr io.Writer) error {
	c, err := parseServe(args, stderr)
	if err != nil {
		return err
	}
	log, err := newLogger(stderr, c.logLevel)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, c, log)
	if err != nil {
		return err
	}
	defer a.close()
	return a.run(ctx, func() {})
}

// version is set when the binary is built by make.
var version = "devel"

// runVersion prints what was built, and with what.
func runVersion(_ context.Context, _ []string, stdout, _ io.Writer) error {
	_, err := fmt.Fprintf(stdout, "tender %s, %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
