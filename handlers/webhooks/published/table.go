package published

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/webhook"
	shown "tender/projections/object"
)

// telling is what one type of event in the log is told as.
type telling struct {
	logged    string
	told      string // "": not at all
	condition string // "": always
}

// tellings asks [shown.PublicType] about every event there is: as it is empty, and
// with each field that could make a difference. Which fields those are is tried out:
// all that say yes or no, or one of a closed set.
func tellings() ([]telling, error) {
	var all []telling
	for _, name := range slices.Sorted(slices.Values(catalogue.Names())) {
		d, err := catalogue.Decode(name, 1, json.RawMessage(`{}`))
		if err != nil {
			return nil, errors.Wrap(err, "list what is told")
		}
		plain, _ := shown.PublicType(d)
		special := conditions(name, plain, d)
		all = append(all, special...)
		last := telling{logged: name, told: plain}
		if len(special) > 0 {
			last.condition = "otherwise"
		}
		all = append(all, last)
	}
	return all, nil
}

func conditions(name, plain string, d codec.Named) []telling {
	var found []telling
	t := reflect.TypeOf(d)
	for f := range fieldsOf(t) {
		for said, value := range candidates(f.Type) {
			changed := reflect.New(t).Elem()
			changed.Set(reflect.ValueOf(d))
			changed.FieldByIndex(f.Index).Set(value)
			event, ok := changed.Interface().(codec.Named)
			if told, _ := shown.PublicType(event); ok && told != plain {
				wire, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				found = append(found, telling{logged: name, told: told, condition: fmt.Sprintf("`%s` is `%s`", wire, said)})
			}
		}
	}
	slices.SortFunc(found, func(a, b telling) int { return strings.Compare(a.condition, b.condition) })
	return found
}

// candidates are the values of a type that are worth a try.
func candidates(t reflect.Type) map[string]reflect.Value {
	if t.Kind() == reflect.Bool {
		return map[string]reflect.Value{"true": reflect.ValueOf(true).Convert(t)}
	}
	values := map[string]reflect.Value{}
	for _, v := range sets[t] {
		values[v] = reflect.ValueOf(v).Convert(t)
	}
	return values
}

// Between these lines of docs/events.md stands what is generated.
const (
	tableBegins = "<!-- generated: begin -->\n"
	tableEnds   = "<!-- generated: end -->\n"
)

// tables are both ways round: what each public event tells of, and what each event
// of the log is told as.
func tables() (string, error) {
	all, err := tellings()
	if err != nil {
		return "", err
	}
	sources := map[string][]string{}
	for _, t := range all {
		if t.told != "" {
			sources[t.told] = append(sources[t.told], t.source())
		}
	}
	var b strings.Builder
	b.WriteString("## Public events\n\n| Public event | Tells of | |\n|---|---|---|\n")
	for _, told := range webhook.Types() {
		fmt.Fprintf(&b, "| `%s` | %s | [schema](events/%s.schema.json), [example](events/%s.example.json) |\n",
			told, strings.Join(sources[told], ", "), told, told)
	}
	b.WriteString("\n## Events of the log\n\n| In the log | Public event | When |\n|---|---|---|\n")
	for _, t := range all {
		switch {
		case t.told == "":
			fmt.Fprintf(&b, "| `%s` | none | |\n", t.logged)
		case t.condition == "":
			fmt.Fprintf(&b, "| `%s` | `%s` | always |\n", t.logged, t.told)
		default:
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", t.logged, t.told, t.condition)
		}
	}
	return b.String(), nil
}

func (t telling) source() string {
	switch t.condition {
	case "", "otherwise":
		return "`" + t.logged + "`"
	default:
		return "`" + t.logged + "` where " + t.condition
	}
}

// withTables returns the document with its generated part as it is now.
func withTables(document string) (string, error) {
	before, rest, begins := strings.Cut(document, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return "", errors.Newf("the document lacks the lines %q and %q", tableBegins, tableEnds)
	}
	made, err := tables()
	return before + tableBegins + made + tableEnds + after, err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
