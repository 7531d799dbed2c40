package doctor

import (
	"testing"
	"time"
)

func TestClocksThatAreApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		skew skew
		want Level
	}{
		{skew{20 * time.Millisecond, time.Millisecond}, OK},
		{skew{-20 * time.Millisecond, time.Millisecond}, OK},
		{skew{time.Second, 100 * time.Millisecond}, Warn},
		{skew{-time.Second, 100 * time.Millisecond}, Warn},
		{skew{time.Second, time.Second}, OK}, // a slow answer says nothing
		{skew{6 * time.Second, time.Millisecond}, Fail},
		{skew{-time.Hour, time.Millisecond}, Fail},
	} {
		var found chart
		c.skew.judge(&found, "PostgreSQL's")
		if len(found.found) != 1 || found.found[0].Level != c.want {
			t.Errorf("%+v: %+v", c.skew, found.found)
		}
	}
}

func TestTheQuickestAnswerCounts(t *testing.T) {
	t.Parallel()
	n := 0
	s, err := measure(func() (time.Time, error) { n++; return time.Now().Add(time.Minute), nil })
	if err != nil || n != skewTries || (s.ahead-time.Minute).Abs() > time.Second || s.unsure > time.Second {
		t.Errorf("%+v after %d answers, %v", s, n, err)
	}
}

func TestDisksThatFill(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	for _, c := range []struct {
		volume volume
		perDay int64
		want   Level
	}{
		{volume{100 * gib, 50 * gib, 100, 50}, 0, OK},
		{volume{100 * gib, 50 * gib, 100, 50}, gib, OK},
		{volume{100 * gib, 9 * gib, 100, 50}, 0, Warn},
		{volume{100 * gib, 50 * gib, 100, 50}, 10 * gib, Warn}, // full in five days
		{volume{100 * gib, 50 * gib, 100, 50}, 49 * gib, Fail},
		{volume{100 * gib, gib / 4, 100, 50}, 0, Fail},
		{volume{100 * gib, 50 * gib, 1000, 5}, 0, Fail},
		{volume{100 * gib, 50 * gib, 0, 0}, 0, OK}, // a file system without inodes
	} {
		var found chart
		c.volume.judge(&found, "the data", "/data", c.perDay)
		if len(found.found) != 1 || found.found[0].Level != c.want {
			t.Errorf("%+v with %d a day: %+v", c.volume, c.perDay, found.found)
		}
	}
	if _, err := lookAtVolume(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestSizesAreReadable(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{5: "5 B", 2048: "2.0 KiB", 3 << 30: "3.0 GiB"} {
		if got := bytes(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}
