//go:build !torture

package eventstore_test

// torture is for the slow runs, with the build tag of that name.
const torture = false
