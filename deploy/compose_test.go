package deploy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "github.com/pb33f/go-yaml"
)

type service struct {
	Image       string
	Build       struct{ Context, Dockerfile string }
	Command     []string
	Environment map[string]string
	Volumes     []string
	Ports       []string
	CapDrop     []string                              `yaml:"cap_drop"`
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct{ Test []string }
}

type compose struct {
	Services map[string]service
	Volumes  map[string]any
}

func parseCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	must(t, yaml.Unmarshal([]byte(read(t, "compose.yaml")), &c))
	return c
}

func TestComposeHoldsTogether(t *testing.T) {
	t.Parallel()
	c := parseCompose(t)
	for _, name := range []string{"postgres", "nats", "migrate", "seal-key", "simulator", "tender"} {
		s, there := c.Services[name]
		if !there || s.Image == "" {
			t.Fatalf("no service %s with an image", name)
		}
		for needed, on := range s.DependsOn {
			other, there := c.Services[needed]
			if !there {
				t.Errorf("%s needs %s, which is not there", name, needed)
			}
			if on.Condition == "service_healthy" && len(other.Healthcheck.Test) == 0 {
				t.Errorf("%s waits for the health of %s, which has no check", name, needed)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, declared := c.Volumes[source]; declared {
				continue
			}
			if _, err := os.Stat(source); err != nil {
				t.Errorf("%s mounts %s: %v", name, source, err)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s is open to the network at %s", name, p)
			}
		}
	}
}

func TestComposeRunsTender(t *testing.T) {
	t.Parallel()
	c := parseCompose(t)
	for _, name := range []string{"migrate", "seal-key", "simulator", "tender"} {
		s := c.Services[name]
		if _, err := os.Stat("../" + s.Build.Dockerfile); err != nil || s.Build.Context != ".." {
			t.Errorf("%s is built from %+v: %v", name, s.Build, err)
		}
		if !slices.Contains(s.CapDrop, "ALL") {
			t.Errorf("%s keeps capabilities", name)
		}
		words := slices.IndexFunc(append(s.Command, "-"), func(w string) bool { return strings.HasPrefix(w, "-") })
		text := help(t, s.Command[:words]...)
		for _, argument := range s.Command[words:] {
			if flag, is := strings.CutPrefix(argument, "--"); is && !slices.Contains(strings.Fields(text), "-"+flag) {
				t.Errorf("tender %s has no option %s", s.Command[0], argument)
			}
			if strings.Contains(argument, "$") {
				t.Errorf("tender %s gets %s where everybody can read it", s.Command[0], argument)
			}
		}
	}
	serve := c.Services["tender"].Command
	at := slices.Index(serve, "--roles")
	if serve[0] != "serve" || at < 0 || at+1 >= len(serve) {
		t.Fatalf("tender runs %q", serve)
	}
	checkRoles(t, "compose.yaml", serve[at+1])
}

// Whatever compose.yaml takes from outside stands in the example, and the other
// way about.
func TestComposeAndItsExampleNameTheSame(t *testing.T) {
	t.Parallel()
	var taken []string
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)(:\?[^}]*)?\}`).FindAllStringSubmatch(read(t, "compose.yaml"), -1) {
		if m[2] == "" {
			t.Errorf("%s may be left out unnoticed", m[1])
		}
		taken = append(taken, m[1])
	}
	slices.Sort(taken)
	taken = slices.Compact(taken)
	offered := examples(t, "compose.env.example")
	slices.Sort(offered)
	if !slices.Equal(taken, offered) {
		t.Errorf("compose.yaml takes %q, the example offers %q", taken, offered)
	}
}

func TestOtherYAMLParses(t *testing.T) {
	t.Parallel()
	var lint struct {
		Version string
		Linters struct{ Enable []string }
	}
	must(t, yaml.Unmarshal([]byte(read(t, "../.golangci.yml")), &lint))
	if lint.Version != "2" || !slices.Contains(lint.Linters.Enable, "gochecksumtype") {
		t.Errorf(".golangci.yml says %+v", lint)
	}
}
