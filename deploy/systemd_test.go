package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unit reads a unit file: section and key to its values.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	values := map[string][]string{}
	section := ""
	for n, line := range strings.Split(read(t, name), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = strings.Trim(line, "[]")
		default:
			key, value, found := strings.Cut(line, "=")
			if !found || section == "" {
				t.Fatalf("%s, line %d: %q", name, n+1, line)
			}
			values[section+"."+key] = append(values[section+"."+key], value)
		}
	}
	return values
}

func TestTheServiceRunsTenderWithoutRights(t *testing.T) {
	t.Parallel()
	u := unit(t, "tender.service")
	for key, want := range map[string]string{
		"Service.ExecStart": "/usr/local/bin/tender serve --roles ${TENDER_ROLES}",
		"Service.User":      "tender", "Service.NoNewPrivileges": "true", "Service.CapabilityBoundingSet": "",
		"Service.ProtectSystem": "strict", "Service.ProtectHome": "true", "Service.LimitCORE": "0",
		"Service.MemorySwapMax": "0", "Service.KillSignal": "SIGTERM", "Install.WantedBy": "multi-user.target",
	} {
		if got := strings.Join(u[key], "|"); got != want || len(u[key]) != 1 {
			t.Errorf("%s is %q, want %q", key, u[key], want)
		}
	}
	roles := ""
	for _, setting := range u["Service.Environment"] {
		if list, found := strings.CutPrefix(setting, "TENDER_ROLES="); found {
			roles = list
		}
	}
	checkRoles(t, "tender.service", roles)
}

// Where systemd's own checker is installed, it has the last word.
func TestSystemdAcceptsTheService(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed: the unit was parsed only")
		unit(t, "tender.service")
		return
	}
	path, err := binary()
	must(t, err)
	dir := t.TempDir()
	copied := filepath.Join(dir, "tender.service")
	text := strings.ReplaceAll(read(t, "tender.service"), "/usr/local/bin/tender", path)
	// The user is made at installation.
	text = strings.NewReplacer("User=tender", "User=daemon", "Group=tender", "Group=daemon").Replace(text)
	must(t, os.WriteFile(copied, []byte(text), 0o644))
	out, err := exec.Command(analyze, "verify", "--man=no", copied).CombinedOutput()
	if complaints := about(string(out), copied); err != nil || complaints != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// 0 is least exposed, 10 most; a service without any hardening has 9.6.
	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=20", "--no-pager", copied).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

// about keeps the lines of a checker that concern a file: it also complains of
// the machine's own units.
func about(output, file string) string {
	var lines []string
	for line := range strings.SplitSeq(output, "\n") {
		if strings.Contains(line, filepath.Base(file)) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestTheServicesExampleIsWhatServeNeeds(t *testing.T) {
	t.Parallel()
	offered := strings.Join(examples(t, "tender.env.example"), " ")
	for _, needed := range []string{"TENDER_URL", "DATABASE_URL", "TENDER_VAULT_URL", "NATS_URL", "TENDER_RELAY_NATS_URL"} {
		if !strings.Contains(offered, needed) {
			t.Errorf("the example lacks %s", needed)
		}
	}
}
