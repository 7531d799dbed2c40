//go:build torture

package eventstore_test

// torture makes the tests that are about chance and moments try many times more.
const torture = true
