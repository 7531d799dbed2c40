// Command generate writes docs/events and the tables of docs/events.md, from the
// repository's root or from the one that is given:
//
//	go run ./handlers/webhooks/published/generate
package main

import (
	"fmt"
	"os"

	"tender/handlers/webhooks/published"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := published.Generate(root); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
