package pgserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// installScript installs the distribution's server without the cluster that its
// package would otherwise make and start. postgresql-common comes first because
// it brings the file that says so.
const installScript = `set -e
export DEBIAN_FRONTEND=noninteractive
apt='apt-get -y -o DPkg::Lock::Timeout=300'
$apt update
$apt install --no-install-recommends postgresql-common
conf=/etc/postgresql-common/createcluster.conf
if grep -Eqs '^#?[[:space:]]*create_main_cluster' $conf; then
	sed -E -i 's/^#?[[:space:]]*create_main_cluster.*/create_main_cluster = false/' $conf
else
	echo 'create_main_cluster = false' >>$conf
fi
$apt install --no-install-recommends postgresql
`

// byHand is what a person types to the same end.
const byHand = "sudo apt-get update && sudo apt-get install -y postgresql-common && " +
	"echo 'create_main_cluster = false' | sudo tee -a /etc/postgresql-common/createcluster.conf && " +
	"sudo apt-get install -y postgresql"

// install brings the distribution's PostgreSQL, as root or by sudo without a
// question.
func install(ctx context.Context, log io.Writer) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return &fault{ErrNotInstalled, fmt.Sprintf("PostgreSQL's server programs were not found, on PATH or in %s, and this is no Debian that they could be installed on: install PostgreSQL %d or newer.", debianDirs, versionMin)}
	}
	args := []string{"/bin/sh", "-c", installScript}
	if os.Geteuid() != 0 {
		sudo, err := exec.LookPath("sudo")
		if err != nil || exec.CommandContext(ctx, sudo, "-n", "true").Run() != nil {
			return &fault{ErrNotInstalled, "PostgreSQL is not installed, and only root can do that. Install it with: " + byHand}
		}
		args = append([]string{sudo, "-n"}, args...)
	}
	fmt.Fprintln(log, "PostgreSQL is not installed: installing the distribution's package")
	last := newTail(log)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = last, last
	if err := cmd.Run(); err != nil {
		return &fault{ErrNotInstalled, fmt.Sprintf("PostgreSQL could not be installed (%v; %s). Install it with: %s", err, strings.Join(last.lines(), " | "), byHand)}
	}
	return nil
}
