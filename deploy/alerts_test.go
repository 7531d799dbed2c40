package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every alert has its entry in the runbook, with what it means, what to look at and
// what to do, and there is no entry for an alert that there is not.
func TestEveryAlertHasItsRunbookEntry(t *testing.T) {
	t.Parallel()
	rules, runbook := read(t, "prometheus/alerts.yaml"), read(t, "../docs/runbook.md")
	alerts := map[string]bool{}
	for rule := range strings.SplitSeq(rules, "- alert: ") {
		name, rest, _ := strings.Cut(rule, "\n")
		if strings.HasPrefix(name, "#") { // what comes before the first
			continue
		}
		alerts[name] = true
		for _, part := range []string{"expr: ", "for: ", "severity: ", "summary: ", "runbook: docs/runbook.md#" + strings.ToLower(name) + "\n"} {
			if !strings.Contains(rest, part) {
				t.Errorf("%s has no %q", name, part)
			}
		}
		if strings.Count(rest, "(") != strings.Count(rest, ")") {
			t.Errorf("%s has brackets that don't close", name)
		}
	}
	if len(alerts) < 10 {
		t.Fatalf("only %d alerts were found", len(alerts))
	}
	entries := map[string]bool{}
	for entry := range strings.SplitSeq(runbook, "\n## ") {
		name, text, _ := strings.Cut(entry, "\n")
		if strings.HasPrefix(name, "#") {
			continue
		}
		entries[name] = true
		if !alerts[name] && strings.HasPrefix(name, "Tender") { // others are no alerts', such as what a command found
			t.Errorf("the runbook tells of %s, which is no alert", name)
		}
		for _, part := range []string{"**Means.**", "**Look at.**", "**Do.**"} {
			if !strings.Contains(text, part) {
				t.Errorf("the runbook's entry of %s lacks %s", name, part)
			}
		}
	}
	for name := range alerts {
		if !entries[name] {
			t.Errorf("the runbook has no entry for %s", name)
		}
	}
}

// Where the runbook sends somebody into the process's log, that line is one that a
// process writes.
func TestTheRunbookQuotesLinesThatAreLogged(t *testing.T) {
	t.Parallel()
	sources := readBySources(t)
	for _, file := range []string{
		"../eventstore/batcher.go", "../eventstore/feed/relay.go", "../eventstore/seal/sealer.go", "../handlers/worker/due.go", "../projections/poison.go",
		"../handlers/api/server.go", "../handlers/webhooks/record.go",
	} {
		sources += read(t, file)
	}
	quoted := regexp.MustCompile("log(?: of the process)? (?:for|hold lines) `([a-z ']+)`").FindAllStringSubmatch(read(t, "../docs/runbook.md"), -1)
	if len(quoted) < 5 {
		t.Fatalf("only %d lines are quoted", len(quoted))
	}
	for _, q := range quoted {
		if !strings.Contains(sources, `"`+strings.TrimSpace(q[1])) {
			t.Errorf("nobody logs %q", q[1])
		}
	}
	if tags := regexp.MustCompile(`read_<mode>\.(\w+)`).FindAllStringSubmatch(read(t, "../docs/runbook.md"), -1); slices.ContainsFunc(tags, func(m []string) bool {
		return !slices.Contains([]string{"projections", "parked_events", "due", "deliveries"}, m[1])
	}) {
		t.Errorf("the runbook asks tables that there are not: %v", tags)
	}
}
