package main_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The benchmark fails by itself if a read model or the journal is wrong; what remains is
// that it measures everything, and says so.
func TestWhatReadsAWholeLogIsMeasured(t *testing.T) {
	t.Parallel()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "bench", "rebuild", "--events", "4000", "--runs", "1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, median, _ := strings.Cut(string(out), "\nmedian\n")
	const took, process = ` +[0-9.]+(ms|s) +[1-9]\d*/s +CPU +[0-9.]+(ms|s)`, ` and +[0-9.]+(ms|s) +peak +[1-9]\d* MB`
	rows := []string{
		`  \(a\) the log read with COPY +[4-9]\d{3} events` + took,
		`  \(a'\) payments' events, by stream, with COPY +[1-9]\d* events` + took,
		`  \(b\) payments' rows written with COPY +[1-9]\d* rows` + took,
		`  audit verify --log-only +[4-9]\d{3} events` + took + process,
		`  audit verify +[4-9]\d{3} events` + took + process,
		`the payments' rebuild to \(a\) \+ \(b\): [0-9.]+, wanted at most 2\.5; to \(a'\) \+ \(b\): [0-9.]+`,
		`audit verify --log-only: [1-9]\d* events/s, wanted 100000`,
		`audit verify: [1-9]\d* events/s, wanted 40000`,
		`the most memory of any process: [1-9]\d* MB, wanted below 512`,
	}
	for _, name := range []string{
		"sessions", "payments", "endpoints", "due", "customers", "payment_methods", "mandates", "deliveries", "subscriptions", "clocks", "recoveries", "journal",
	} {
		rows = append(rows, `  rebuild `+name+` +[4-9]\d{3} events`+took+process)
	}
	for _, row := range rows {
		if found := regexp.MustCompile(`(?m)^`+row+`$`).FindAllString(median, -1); len(found) != 1 {
			t.Errorf("%d lines like %s", len(found), row)
		}
	}
	if t.Failed() || strings.Contains(median, "NaN") || strings.Contains(median, "Inf") {
		t.Errorf("it printed\n%s", out)
	}
}
