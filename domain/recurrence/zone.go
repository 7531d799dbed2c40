package recurrence

import (
	"sync"
	"time"
	_ "time/tzdata" // for machines without a time zone database; it adds half a megabyte to the program and nothing else

	"tender/domain"
)

// zoneNameMax bounds a zone's name, in bytes; the longest has 32.
const zoneNameMax = 64

// ErrUnknownZone refuses what is no name of a time zone.
var ErrUnknownZone = domain.Refuse(CodeNotAnOption,
	"There is no such time zone. Use a name of the IANA time zone database, for example Africa/Johannesburg.")

// zones keeps what was loaded, so that a zone's rules don't change under a
// running process. It is bounded by the database: failures are not kept.
var zones sync.Map // name → *time.Location

// Zone returns the time zone with this IANA name, such as Africa/Johannesburg or
// UTC, or [ErrUnknownZone]. Refused are "" and "Local", which mean another zone on
// every machine, and the database's own placeholder and file names.
//
// The machine's time zone database is asked before the one that this program
// carries, because governments change their clocks more often than programs are
// built. The location's String is the name.
func Zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	if !plausibleZone(name) {
		return nil, ErrUnknownZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, ErrUnknownZone
	}
	kept, _ := zones.LoadOrStore(name, zone)
	return kept.(*time.Location), nil
}

// plausibleZone holds that names of zones begin with a capital letter. Other files
// that lie beside them don't, nor do the directories posix and right, of which the
// second counts leap seconds.
func plausibleZone(name string) bool {
	if name == "" || len(name) > zoneNameMax || name == "Local" || name == "Factory" {
		return false
	}
	if name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'A' <= b && b <= 'Z', 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '_', b == '-', b == '+', b == '/':
		default:
			return false
		}
	}
	return true
}
