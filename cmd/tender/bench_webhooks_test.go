package main_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The benchmark fails by itself unless each event was delivered once and has
// arrived; what remains is that it measures everything, and says so.
func TestWebhooksAreMeasured(t *testing.T) {
	t.Parallel()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "bench", "webhooks", "--runs", "1", "--endpoints", "10", "--deliveries", "40", "--rate", "50", "--seconds", "1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const time, cpu = `[0-9.]+(µs|ms|s)`, ` +[0-9.]+(µs|ms)`
	for _, row := range []string{
		`\(a\) bare one-row INSERTs +64 +[1-9]\d* +` + time + ` +` + time + ` +- +- +- +1\.000`,
		`\(b\) signed and sent, without the engine +64 +[1-9]\d* +` + time + ` +` + time + ` +-` + cpu + ` +- +\d`,
		`\(c\) a backlog delivered +1 +[1-9]\d* +- +-` + cpu + cpu + ` +- +\d`,
		`\(c\) a backlog delivered +10 +[1-9]\d* +- +-` + cpu + cpu + ` +- +\d`,
		`\(d\) delivered as events come +10 +[1-9]\d* +` + time + ` +` + time + cpu + cpu + cpu + ` +\d`,
		`\(e\) the same while others hang +9 +[1-9]\d* +` + time + ` +` + time + cpu + cpu + cpu + ` +\d`,
		`deliveries/s at 10 endpoints: [1-9]\d*, wanted 2000`,
		`p99 at 50 events/s: ` + time + `, wanted below 250ms`,
		`healthy endpoints' p99 while 1 hang, to that while none does: [0-9.]+, wanted at most 1\.5`,
	} {
		if found := regexp.MustCompile(`(?m)^`+row).FindAll(out, -1); len(found) != 1 {
			t.Errorf("%d lines like %s", len(found), row)
		}
	}
	if t.Failed() || strings.Contains(string(out), "NaN") {
		t.Errorf("it printed\n%s", out)
	}
}
