// Package published is what merchants are promised of the events that webhooks
// bring: which there are, what each body holds, and an example of each.
//
// Schemas are read off the Go types that bodies are made from, examples are made by
// the folds that make them, and the table of events by the function that decides
// what is told. So they can't say anything else than the code does. What was
// published once is compared with what would be published now: a body may gain
// fields, but what a receiver relies on stays.
package published

//go:generate go run ./generate ../../..
