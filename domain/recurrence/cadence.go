package recurrence

// cadence counts and finds the dates of a rule whose days are all named. It counts
// from the beginning of the period that holds the start date, so that every period
// counts whole; what lies before the start is subtracted once.
type cadence struct {
	rule  Rule
	start Date
	early int // dates of the first period that lie before start
}

func newCadence(rule Rule, start Date) cadence {
	c := cadence{rule: rule.from(start), start: start}
	c.early = c.counted(start.number() - 1)
	return c
}

// through returns how many dates lie from the start to the day with this number.
func (c *cadence) through(number int) int {
	return max(c.counted(number)-c.early, 0)
}

// nth returns the nth date on or after the start, from 1; ok is false if it lies
// past the end of the calendar.
func (c *cadence) nth(n int) (Date, bool) {
	if n < 1 || n > lastNumber-firstNumber+1 {
		return Date{}, false
	}
	n += c.early
	switch c.rule.kind {
	case Daily:
		return dateIfAny(c.start.number() + (n-1)*c.rule.every)
	case Weekly:
		perWeek := c.rule.days.count()
		monday := mondayOf(c.start.number()) + (n-1)/perWeek*c.rule.every*daysPerWeek
		return dateIfAny(monday + c.rule.days.pick((n-1)%perWeek+1) - 1)
	case Monthly, Yearly:
		return c.months().nth(n)
	default:
		panic("recurrence: a rule of type " + string(c.rule.kind))
	}
}

func dateIfAny(number int) (Date, bool) {
	if number > lastNumber {
		return Date{}, false
	}
	return fromNumber(number), true
}

// counted returns how many dates lie from the beginning of the first period to
// the day with this number.
func (c *cadence) counted(number int) int {
	switch c.rule.kind {
	case Daily:
		if number < c.start.number() {
			return 0
		}
		return (number-c.start.number())/c.rule.every + 1
	case Weekly:
		first := mondayOf(c.start.number())
		if number < first {
			return 0
		}
		weeks := (number - first) / daysPerWeek
		before := weeks / c.rule.every * c.rule.days.count()
		if weeks%c.rule.every > 0 {
			return before + c.rule.days.count()
		}
		return before + c.rule.days.through((number-first)%daysPerWeek+1).count()
	case Monthly, Yearly:
		return c.months().counted(number)
	default:
		panic("recurrence: a rule of type " + string(c.rule.kind))
	}
}

// cycleMonths is after how many months the calendar repeats itself, weekdays
// included: 400 years have a whole number of weeks.
const cycleMonths = 400 * monthsPerYear

// months is a monthly or yearly cadence: of every stride months from the first
// on, width months have dates.
type months struct {
	rule   *Rule
	first  int // index of a month
	stride int
	width  int
}

func (c *cadence) months() *months {
	if c.rule.kind == Yearly {
		return &months{&c.rule, c.start.Year() * monthsPerYear, c.rule.every * monthsPerYear, monthsPerYear}
	}
	return &months{&c.rule, c.start.monthIndex(), c.rule.every, 1}
}

// cycle returns after how many periods their dates repeat themselves. No more than
// two cycles, of at most 4,800 months with dates each, are ever looked through,
// however far away a date is.
func (m *months) cycle() int { return cycleMonths / gcd(cycleMonths, m.stride) }

func (m *months) counted(number int) int {
	if year, month := monthOf(m.first); number < numberOf(year, month, 1) {
		return 0
	}
	last := fromNumber(number)
	since := last.monthIndex() - m.first
	period, month := since/m.stride, since%m.stride
	n := 0
	if cycle := m.cycle(); period >= cycle {
		n = period / cycle * m.sum(cycle)
	}
	n += m.sum(period % m.cycle())
	for i := range min(month, m.width) {
		n += m.dates(period, i).count()
	}
	if month < m.width {
		n += m.dates(period, month).through(last.Day()).count()
	}
	return n
}

// sum counts the dates of so many periods from the first on.
func (m *months) sum(periods int) int {
	n := 0
	for period := range periods {
		for i := range m.width {
			n += m.dates(period, i).count()
		}
	}
	return n
}

// nth returns the nth date of all periods. There may be none at all: a fifth
// Friday in February of every second year, counted from an odd one.
func (m *months) nth(n int) (Date, bool) {
	date, left := m.find(0, n)
	if left == 0 || left == n {
		return date, !date.IsZero()
	}
	perCycle := n - left
	cycles := 1 + (left-1)/perCycle
	date, _ = m.find(cycles*m.cycle(), 1+(left-1)%perCycle)
	return date, !date.IsZero()
}

// find looks for the nth date from a period on, through one cycle, and returns
// how many are left to find after it. At the end of the calendar it gives up: the
// zero Date and nothing left.
func (m *months) find(from, n int) (Date, int) {
	for period := from; period < from+m.cycle(); period++ {
		for i := range m.width {
			year, month := monthOf(m.index(period, i))
			if year > YearMax {
				return Date{}, 0
			}
			days := m.dates(period, i)
			if n <= days.count() {
				return dateOf(year, month, days.pick(n)), 0
			}
			n -= days.count()
		}
	}
	return Date{}, n
}

func (m *months) index(period, i int) int { return m.first + period*m.stride + i }

func (m *months) dates(period, i int) daySet { return m.rule.datesIn(monthOf(m.index(period, i))) }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
