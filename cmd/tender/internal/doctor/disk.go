package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// Free space, in percent, below which somebody should look; and in bytes and days
	// of growth, below which it is urgent.
	freeWarn      = 10
	freeFailBytes = 512 << 20
	daysWarn      = 30
	daysFail      = 2
)

// volume is how much room there is where a path lies.
type volume struct {
	size, free, files, filesFree uint64
}

// lookAtVolume is where the file system is asked.
func lookAtVolume(path string) (volume, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return volume{}, err
	}
	block := uint64(s.Bsize)
	return volume{size: s.Blocks * block, free: s.Bavail * block, files: s.Files, filesFree: s.Ffree}, nil
}

// judge says how much room there is, with what comes to it in a day; 0: that isn't
// known.
func (v volume) judge(c *chart, what, path string, perDay int64) {
	seen := fmt.Sprintf("%s: %s of %s are free", path, bytes(int64(v.free)), bytes(int64(v.size)))
	if v.files > 0 {
		seen += fmt.Sprintf(", and %d of %d inodes", v.filesFree, v.files)
	}
	days := int64(-1)
	if perDay > 0 {
		days = int64(v.free) / perDay
		seen += fmt.Sprintf("; about %s come in a day", bytes(perDay))
	}
	do := fmt.Sprintf("Make room, or move it to a larger disk: `df -h %[1]s`, `du -xhd1 %[1]s | sort -h`. Nothing of the log can be thrown away; read models that a rebuild left behind can, by the next `tender rebuild`.", path)
	switch {
	case v.free < min(freeFailBytes, v.size/10) || days >= 0 && days < daysFail:
		c.fail(fmt.Sprintf("The disk of %s is full, or will be soon.", what), seen, do)
	case v.files > 0 && v.filesFree*100 < v.files:
		c.fail(fmt.Sprintf("The disk of %s has hardly any inodes left.", what), seen, fmt.Sprintf("Find where the files are: `du --inodes -xd2 %s | sort -n`.", path))
	case v.free*100 < v.size*freeWarn || days >= 0 && days < daysWarn:
		c.warn(fmt.Sprintf("The disk of %s is filling.", what), seen, do)
	default:
		c.ok(fmt.Sprintf("The disk of %s has room.", what), seen)
	}
}

// databaseDisk looks at the database's size and growth, and, where it lies on this
// machine, at its disk.
func (e *exam) databaseDisk(ctx context.Context, c *chart) error {
	var size int64
	if err := e.app.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&size); err != nil {
		return err
	}
	perDay, err := e.perDay(ctx, size)
	if err != nil {
		return err
	}
	c.ok(fmt.Sprintf("The database has %s.", bytes(size)), fmt.Sprintf("pg_database_size; about %s came in the last 24 hours", bytes(perDay)))
	if e.admin == nil {
		return nil // that it couldn't be asked is said elsewhere
	}
	var dir string
	if err := e.admin.QueryRow(ctx, `SELECT current_setting('data_directory')`).Scan(&dir); err != nil {
		return err
	}
	if !local(e.AdminURL) {
		c.ok("PostgreSQL's disk is another machine's, and was not looked at.", "the host in DATABASE_ADMIN_URL")
		return nil
	}
	v, err := lookAtVolume(dir)
	if err != nil {
		c.warn("PostgreSQL's disk can't be looked at from here.", err.Error(), fmt.Sprintf("Look where it runs: `df -h %s`.", dir))
		return nil
	}
	v.judge(c, "PostgreSQL's data", dir, perDay)
	return nil
}

// perDay estimates by how much the database grew in a day: by the events that came,
// each with its share of all that there is.
func (e *exam) perDay(ctx context.Context, size int64) (int64, error) {
	var all, lately int64
	for _, mode := range e.Modes {
		store := e.logs[mode]
		if store == nil {
			continue
		}
		p := patient{exam: e, log: store.Log(), store: store}
		head, _, err := store.Head(ctx)
		if err != nil {
			return 0, err
		}
		before, err := p.atTime(ctx, head, 24*time.Hour)
		if err != nil {
			return 0, err
		}
		all, lately = all+head, lately+head-before
	}
	if all < growthEvents {
		return 0, nil // most of it is no event's
	}
	return int64(float64(size) / float64(all) * float64(lately)), nil
}

// growthEvents is from how many events on the database's size says what one takes.
const growthEvents = 100_000

// localDisk looks at the places on this machine that a process writes to.
func (e *exam) localDisk(_ context.Context, c *chart) error {
	for _, place := range []struct{ what, path string }{
		{"the master key", e.MasterKeyFile}, {"the checkpoints", e.CheckpointDir},
	} {
		if place.path == "" {
			continue
		}
		dir := place.path
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			dir = filepath.Dir(dir)
		}
		v, err := lookAtVolume(dir)
		if err != nil {
			c.warn(fmt.Sprintf("The disk of %s can't be looked at.", place.what), err.Error(), fmt.Sprintf("See whether %s is there and may be read: `ls -ld %s`.", dir, dir))
			continue
		}
		v.judge(c, place.what, dir, 0)
	}
	return nil
}

// bytes is a size as people read it.
func bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, names := float64(n), []string{"KiB", "MiB", "GiB", "TiB", "PiB"}
	for _, name := range names {
		value /= unit
		if value < unit || name == "PiB" {
			return fmt.Sprintf("%.1f %s", value, name)
		}
	}
	return ""
}
