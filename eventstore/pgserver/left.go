package pgserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

// serverProcesses lists the processes of the server of a cluster: programs named
// postgres whose working directory is the cluster. Process ids alone prove
// nothing, because they are used again.
func serverProcesses(cluster string) ([]int, error) {
	real, err := filepath.EvalSymlinks(cluster)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "resolve the cluster's path")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, errors.Wrap(err, "list processes")
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// A process that ends meanwhile, or that is another user's, is none of ours.
		cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		if err != nil || cwd != real {
			continue
		}
		name, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "comm"))
		if err == nil && strings.TrimSpace(string(name)) == "postgres" {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// postmasterPid is the process that the cluster says serves it; 0: none does.
func postmasterPid(cluster string) int {
	first, _, _ := strings.Cut(readPidFile(cluster), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first))
	return pid
}

func readPidFile(cluster string) string {
	content, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return ""
	}
	return string(content)
}

// stopLeft stops what an earlier process left running on this cluster. We hold
// the data directory's lock, so nobody needs it any more.
func stopLeft(ctx context.Context, p place) error {
	for _, dir := range []string{p.cluster(), p.fresh()} {
		pids, err := serverProcesses(dir)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			clearPidFile(dir)
			continue
		}
		if err := stopServer(ctx, dir); err != nil {
			return &fault{ErrInUse, fmt.Sprintf("A PostgreSQL server of an earlier start (process %d) is still running in %s and could not be stopped (%v): stop it by hand.", pids[0], dir, err)}
		}
	}
	return nil
}

// clearPidFile removes a postmaster.pid whose process id lives on as something
// else: PostgreSQL would take that for the server and refuse to start. In every
// other case it judges the file better than we could.
func clearPidFile(cluster string) {
	pid := postmasterPid(cluster)
	if pid > 0 && syscall.Kill(pid, 0) == nil {
		_ = os.Remove(filepath.Join(cluster, "postmaster.pid"))
	}
}

// stopServer ends the server of a cluster, by ever stronger means. A postmaster
// is asked first; processes that have lost theirs go by themselves.
func stopServer(ctx context.Context, cluster string) error {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, fastMax}, {syscall.SIGQUIT, immediateMax}} {
		pids, err := serverProcesses(cluster)
		if err != nil {
			return err
		}
		postmaster := postmasterPid(cluster)
		for _, pid := range pids {
			if pid == postmaster {
				_ = syscall.Kill(pid, step.signal) // gone meanwhile: all the better
			}
		}
		if waitGone(ctx, cluster, step.wait) == nil {
			return nil
		}
	}
	return killServer(cluster)
}

// killAll ends the processes of a place's cluster as a crash would.
func killAll(p place) error { return killServer(p.cluster()) }

// killServer kills the postmaster before the others, which it would otherwise
// start again, and repeats until none is left.
func killServer(cluster string) error {
	deadline := time.Now().Add(killedMax)
	for time.Now().Before(deadline) {
		pids, err := serverProcesses(cluster)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		if postmaster := postmasterPid(cluster); postmaster > 0 && contains(pids, postmaster) {
			_ = syscall.Kill(postmaster, syscall.SIGKILL)
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); errors.Is(err, syscall.EPERM) {
				return errors.Wrapf(err, "kill process %d", pid)
			}
		}
		if waitGone(context.Background(), cluster, 10*pollEvery) == nil {
			return nil
		}
	}
	return errors.Newf("processes of %s outlived SIGKILL", cluster)
}

func contains(pids []int, pid int) bool {
	for _, p := range pids {
		if p == pid {
			return true
		}
	}
	return false
}

// waitGone waits until no process serves the cluster.
func waitGone(ctx context.Context, cluster string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		pids, err := serverProcesses(cluster)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
