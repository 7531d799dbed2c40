package main

import (
	"context"
	"io"
)

func runBench(context.Context, []string, io.Writer, io.Writer) error { return nil }
