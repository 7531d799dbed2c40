package pgserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors"
)

// Names inside a data directory.
const (
	lockFile     = "lock"               // held by the process that has the server
	pointerFile  = "location"           // says where the cluster lies, if not here
	passwordFile = "superuser-password" //nolint:gosec // a name, no password
	portFile     = "port"
	clusterDir   = "cluster"
	freshDir     = "cluster.new" // a cluster that is being made
	runDir       = "run"         // the Unix socket
)

// elsewhere are the places, in this order, for clusters whose data directory
// the server's user can't reach. Temporary directories come last: some systems
// delete old files there.
var elsewhere = []string{"/var/lib/tender-dev", "/var/tmp/tender-dev"}

// place is where a cluster lies and whom it belongs to.
type place struct {
	base string
	// credential is the user to drop to; nil: the one that we are.
	credential *syscall.Credential
}

func (p place) cluster() string { return filepath.Join(p.base, clusterDir) }
func (p place) fresh() string   { return filepath.Join(p.base, freshDir) }
func (p place) run() string     { return filepath.Join(p.base, runDir) }

// socketDir is "" where the socket's path would be too long.
func (p place) socketDir() string {
	if len(filepath.Join(p.run(), ".s.PGSQL.65535.lock")) > socketPathMax {
		return ""
	}
	return p.run()
}

// exists says whether a cluster was made here, whole or damaged.
func (p place) exists() (bool, error) {
	_, err := os.Lstat(p.cluster())
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, errors.Wrap(err, "look for the cluster")
}

// own hands a directory or file to the server's user.
func (p place) own(path string) error {
	if p.credential == nil {
		return nil
	}
	return errors.Wrap(os.Chown(path, int(p.credential.Uid), int(p.credential.Gid)), "hand over to the server's user")
}

// makeDir makes a directory that only the server's user may enter.
func (p place) makeDir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return errors.Wrap(err, "make a directory for the cluster")
	}
	return p.own(path)
}

// reachable says whether the server's user can work in a directory: a process
// of that user tries to.
func (p place) reachable(dir string) bool {
	cmd := exec.Command("/bin/sh", "-c", ":")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential}
	return cmd.Run() == nil
}

// lockDir makes the data directory and takes it for this process. The lock goes
// with the process, however it ends.
func lockDir(dir string) (*os.File, error) {
	// Others may pass through, or the server's user could not reach its files;
	// whatever is secret has a mode of its own.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, &fault{ErrBroken, fmt.Sprintf("The data directory %s cannot be made (%v): choose another one.", dir, err)}
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &fault{ErrBroken, fmt.Sprintf("The data directory %s cannot be written to (%v): run as its owner, or choose another one.", dir, err)}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		_ = f.Close()
		return nil, &fault{ErrInUse, fmt.Sprintf("The data directory %s is in use by process %s: stop that one, or choose another directory.", dir, strings.TrimSpace(string(holder)))}
	}
	if err := f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
		if err != nil {
			_ = f.Close()
			return nil, errors.Wrap(err, "write the lock")
		}
	}
	return f, nil
}

// locate finds the place of a data directory's cluster, or chooses one.
func locate(dir string) (place, error) {
	p, err := locateExisting(dir)
	if err != nil {
		return place{}, err
	}
	exists, err := p.exists()
	if err != nil {
		return place{}, &fault{ErrBroken, fmt.Sprintf("The database in %s cannot be looked at (%v): run as its owner, or choose another data directory.", p.base, err)}
	}
	if os.Geteuid() != 0 {
		return p, p.checkOwner(exists)
	}
	if p.credential == nil {
		if p.credential, err = serverUser(); err != nil {
			return place{}, err
		}
	}
	if p.reachable(p.base) {
		return p, nil
	}
	if exists {
		return place{}, &fault{ErrBroken, fmt.Sprintf("The database in %s belongs to user %d, who cannot reach it: let others pass (chmod o+x) through the directories above it.", p.base, p.credential.Uid)}
	}
	p.base, err = settleElsewhere(dir, p)
	return p, err
}

// checkOwner refuses a cluster that belongs to another user than ours.
func (p place) checkOwner(exists bool) error {
	if !exists {
		return nil
	}
	uid, _, err := owner(p.cluster())
	if err != nil {
		return err
	}
	if int(uid) != os.Geteuid() {
		return &fault{ErrBroken, fmt.Sprintf("The database in %s belongs to user %d: run as that user or as root, or choose another data directory.", p.base, uid)}
	}
	return nil
}

// locateExisting follows the pointer, if there is one. As root, a cluster that
// exists says by its owner whom to drop to.
func locateExisting(dir string) (place, error) {
	p := place{base: dir}
	pointer, err := os.ReadFile(filepath.Join(dir, pointerFile))
	switch {
	case err == nil:
		p.base = strings.TrimSpace(string(pointer))
		if info, err := os.Stat(p.base); err != nil || !info.IsDir() || !filepath.IsAbs(p.base) {
			return place{}, &fault{ErrBroken, fmt.Sprintf("The data directory %s keeps its database in %s, which is gone: bring it back, or remove %s to begin anew.", dir, p.base, dir)}
		}
	case !errors.Is(err, os.ErrNotExist):
		return place{}, errors.Wrap(err, "read where the cluster lies")
	}
	if os.Geteuid() != 0 {
		return p, nil
	}
	uid, gid, err := owner(p.cluster())
	if err == nil && uid != 0 {
		p.credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return p, nil
}

// owner reads whom a file belongs to.
func owner(path string) (uid, gid uint32, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, 0, errors.Wrap(err, "look for the owner")
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, errors.AssertionFailedf("no owner of %s", path)
	}
	return stat.Uid, stat.Gid, nil
}

// serverUser is whom root drops to, because PostgreSQL refuses to run as root.
func serverUser() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, &fault{ErrNotInstalled, "PostgreSQL refuses to run as root, and there is no user postgres to run it as: make one with `useradd --system postgres`, or run as an ordinary user."}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, errors.Wrap(err, "user postgres")
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, errors.Wrap(err, "group of user postgres")
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// settleElsewhere makes a directory that the server's user can reach, and writes
// down where. Its name is new each time, so that a data directory that was
// deleted and made again never finds another one's database.
func settleElsewhere(dir string, p place) (string, error) {
	sum := sha256.Sum256([]byte(dir))
	var tried []string
	for _, parent := range elsewhere {
		base, err := tryElsewhere(parent, hex.EncodeToString(sum[:4])+"-*", p)
		if err != nil {
			tried = append(tried, err.Error())
			continue
		}
		if err := writeFile(filepath.Join(dir, pointerFile), base+"\n"); err != nil {
			_ = os.RemoveAll(base)
			return "", err
		}
		return base, nil
	}
	return "", &fault{ErrBroken, fmt.Sprintf("User postgres cannot reach the data directory %s, and no other place was found (%s): choose a data directory outside of /root.", dir, strings.Join(tried, "; "))}
}

func tryElsewhere(parent, pattern string, p place) (string, error) {
	if err := os.MkdirAll(parent, 0o711); err != nil {
		return "", errors.Wrap(err, "make a place for the cluster")
	}
	// In a directory that all may write to, this one could be another's.
	if uid, _, err := owner(parent); err != nil || uid != 0 {
		return "", errors.Newf("%s does not belong to root", parent)
	}
	base, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return "", errors.Wrap(err, "make a place for the cluster")
	}
	if err := os.Chmod(base, 0o711); err != nil {
		return "", errors.Wrap(err, "open the place to pass through")
	}
	if !p.reachable(base) {
		_ = os.Remove(base)
		return "", errors.Newf("user postgres cannot reach %s", parent)
	}
	return base, nil
}

// writeFile replaces a small file of ours at once, readable by us only.
func writeFile(path, content string) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(content), 0o600); err != nil {
		return errors.Wrap(err, "write "+filepath.Base(path))
	}
	return errors.Wrap(os.Rename(fresh, path), "write "+filepath.Base(path))
}
