package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one line of the Containerfile.
type instruction struct{ name, rest string }

// stages splits the Containerfile at its FROM lines.
func stages(t *testing.T) [][]instruction {
	t.Helper()
	var all [][]instruction
	for line := range strings.SplitSeq(strings.ReplaceAll(read(t, "Containerfile"), "\\\n", " "), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		if name == "FROM" {
			all = append(all, nil)
		}
		if len(all) == 0 {
			t.Fatalf("%q stands before FROM", line)
		}
		all[len(all)-1] = append(all[len(all)-1], instruction{name, rest})
	}
	return all
}

var knownInstructions = []string{
	"FROM", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "RUN", "STOPSIGNAL", "USER", "WORKDIR",
}

func TestTheImageIsBuiltInStages(t *testing.T) {
	t.Parallel()
	all := stages(t)
	if len(all) != 2 {
		t.Fatalf("%d stages", len(all))
	}
	_, build, named := strings.Cut(all[0][0].rest, " AS ")
	if !named {
		t.Fatalf("the first stage has no name: %q", all[0][0].rest)
	}
	for _, stage := range all {
		for _, i := range stage {
			if !slices.Contains(knownInstructions, i.name) {
				t.Errorf("unknown instruction %s %s", i.name, i.rest)
			}
		}
	}
	for _, i := range all[1] {
		if i.name == "RUN" {
			t.Errorf("there is no shell for RUN %s", i.rest)
		}
		if i.name == "COPY" && !strings.Contains(i.rest, "--from="+build+" ") {
			t.Errorf("COPY %s brings in what was not built", i.rest)
		}
	}
}

func TestTheImageHasNoRoot(t *testing.T) {
	t.Parallel()
	user := ""
	for _, i := range stages(t)[1] {
		if i.name == "USER" {
			user = i.rest
		}
	}
	// A number, so that an orchestrator can tell that it isn't root.
	if !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(user) {
		t.Errorf("the image runs as %q", user)
	}
}

func TestTheImageIsBuiltByTheModulesGo(t *testing.T) {
	t.Parallel()
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	if from := stages(t)[0][0].rest; !strings.Contains(from, "/golang:"+wanted[1]+"-") {
		t.Errorf("the image is built from %q, the module wants Go %s", from, wanted[1])
	}
}

func TestTheImageStartsACommandThatIsThere(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, i := range stages(t)[1] {
		got[i.name] = i.rest
	}
	if got["ENTRYPOINT"] != `["/usr/local/bin/tender"]` || got["CMD"] != `["serve"]` {
		t.Errorf("starts %s %s", got["ENTRYPOINT"], got["CMD"])
	}
	if !strings.Contains(help(t, "serve"), "TENDER_LISTEN") {
		t.Error("serve has no TENDER_LISTEN")
	}
}
