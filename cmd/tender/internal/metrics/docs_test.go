package metrics_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tender/cmd/tender/internal/metrics"
)

var (
	description = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: "([^"]+)",(?: unit: "[^"]*",)? constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}\}$`)
	row         = regexp.MustCompile("(?m)^\\| `(tender_[a-z_]+)` \\| [^|]+ \\| ([^|]+) \\| (.+) \\|$")
	word        = regexp.MustCompile(`[a-z_]+`)
)

// metric is what is said of one, in the binary or in the docs.
type metric struct {
	help   string
	labels string
}

// own are the metrics that are no library's, by name.
func own(t *testing.T) map[string]metric {
	t.Helper()
	out := map[string]metric{}
	for _, d := range metrics.New("test").Described() {
		m := description.FindStringSubmatch(d)
		if m == nil {
			t.Fatalf("the library describes metrics in another way: %s", d)
		}
		if !strings.HasPrefix(m[1], "tender_") {
			continue
		}
		labels := word.FindAllString(m[4], -1)
		for constant := range strings.SplitSeq(m[3], ",") {
			if name, _, found := strings.Cut(constant, "="); found {
				labels = append(labels, name)
			}
		}
		out[m[1]] = metric{help: m[2], labels: sorted(labels)}
	}
	if len(out) < 15 {
		t.Fatalf("only %d metrics are described", len(out))
	}
	return out
}

func sorted(labels []string) string {
	slices.Sort(labels)
	return strings.Join(labels, ",")
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTheDocsListEveryMetric(t *testing.T) {
	t.Parallel()
	documented := map[string]metric{}
	for _, m := range row.FindAllStringSubmatch(read(t, "docs/observability.md"), -1) {
		documented[m[1]] = metric{help: m[3], labels: sorted(word.FindAllString(m[2], -1))}
	}
	known := own(t)
	for name, m := range known {
		if documented[name] != m {
			t.Errorf("%s is %+v; docs/observability.md says %+v", name, m, documented[name])
		}
	}
	for name := range documented {
		if _, there := known[name]; !there {
			t.Errorf("docs/observability.md lists %s, which there is not", name)
		}
	}
}

// foreign are metrics of libraries and of Prometheus that the rules and the dashboard
// use.
var foreign = []string{"up", "process_resident_memory_bytes", "go_goroutines"}

var (
	used = regexp.MustCompile(`\b(tender_[a-z_]+|process_[a-z_]+|go_[a-z_]+)\b`)
	expr = regexp.MustCompile(`"expr": "((?:[^"\\]|\\.)*)"`)
)

func TestRulesAndDashboardUseMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	known := own(t)
	dashboard := strings.Builder{}
	for _, m := range expr.FindAllStringSubmatch(read(t, "deploy/grafana/tender.json"), -1) {
		dashboard.WriteString(m[1] + "\n")
	}
	for file, text := range map[string]string{"alerts.yaml": read(t, "deploy/prometheus/alerts.yaml"), "tender.json": dashboard.String()} {
		names := used.FindAllString(text, -1)
		if len(names) < 15 {
			t.Errorf("%s uses only %d metrics", file, len(names))
		}
		for _, name := range names {
			plain := name
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				plain = strings.TrimSuffix(plain, suffix)
			}
			if _, there := known[plain]; !there && !slices.Contains(foreign, name) {
				t.Errorf("%s uses %s, which there is not", file, name)
			}
		}
	}
}

// Each metric serves somebody: an alert, the dashboard, or at least whoever asks which
// release runs and how far it is.
func TestEveryMetricIsShown(t *testing.T) {
	t.Parallel()
	shown := read(t, "deploy/grafana/tender.json") + read(t, "deploy/prometheus/alerts.yaml")
	for name := range own(t) {
		if !strings.Contains(shown, name) && name != "tender_build_info" && name != "tender_projection_position" {
			t.Errorf("neither an alert nor the dashboard shows %s", name)
		}
	}
}
