package pgserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/cockroachdb/errors"
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

// installing is said before the installation: a minute of silence looks like a
// fault.
const installing = "Installing PostgreSQL from the distribution's packages; this takes about a minute."

// install brings the distribution's PostgreSQL, as root or by sudo without a
// question. The log gets the programs' output, notice the line that says what
// takes so long.
func install(ctx context.Context, log, notice io.Writer) error {
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
	fmt.Fprintln(notice, installing)
	last := newTail(log)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = last, last
	cmd.WaitDelay = immediateMax // when ctx ends: half an installation is left to finish by itself
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return errors.Wrap(ctx.Err(), "install PostgreSQL")
		}
		return &fault{ErrNotInstalled, fmt.Sprintf("PostgreSQL could not be installed (%v). Mend what it says below, or install it with: %s\n%s", err, byHand, strings.Join(last.lines(), "\n"))}
	}
	return nil
}
