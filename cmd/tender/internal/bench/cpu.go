package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// ticksPerSecond is the unit of Linux's /proc/*/stat, the same on every
// architecture that Go runs on.
const ticksPerSecond = 100

// processTimes is what /proc tells of one process.
type processTimes struct {
	parent int
	ticks  int64 // user and system, of its ended children too
}

// CPUOf returns the processor time that a process and all below it have used.
func CPUOf(pid int) (time.Duration, error) {
	all, err := processes()
	if err != nil {
		return 0, err
	}
	if _, there := all[pid]; !there {
		return 0, errors.Newf("process %d has ended", pid)
	}
	var ticks int64
	for p := range all {
		if within(all, p, pid) {
			ticks += all[p].ticks
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// within reports whether p is root or one of its descendants.
func within(all map[int]processTimes, p, root int) bool {
	for range len(all) {
		if p == root {
			return true
		}
		next, there := all[p]
		if !there {
			return false
		}
		p = next.parent
	}
	return false
}

func processes() (map[int]processTimes, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, errors.Wrap(err, "list processes")
	}
	all := make(map[int]processTimes, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // below /proc
		if err != nil {
			continue // it has ended meanwhile
		}
		pid, t, err := parseStat(string(text))
		if err != nil {
			return nil, err
		}
		all[pid] = t
	}
	return all, nil
}

// parseStat reads one line of /proc/PID/stat; proc(5) lists its fields.
func parseStat(line string) (int, processTimes, error) {
	end := strings.LastIndexByte(line, ')') // the name may hold spaces and brackets
	head, _, found := strings.Cut(line, " (")
	if end < 0 || !found {
		return 0, processTimes{}, fmt.Errorf("can't read %q", line)
	}
	pid, err := strconv.Atoi(head)
	if err != nil {
		return 0, processTimes{}, fmt.Errorf("can't read %q", line)
	}
	fields := strings.Fields(line[end+1:]) // begins with the third, the state
	const parent, user, childrenSystem = 1, 11, 14
	if len(fields) <= childrenSystem {
		return 0, processTimes{}, fmt.Errorf("can't read %q", line)
	}
	var t processTimes
	t.parent, _ = strconv.Atoi(fields[parent])
	for _, f := range fields[user : childrenSystem+1] {
		n, _ := strconv.ParseInt(f, 10, 64)
		t.ticks += n
	}
	return pid, t, nil
}
