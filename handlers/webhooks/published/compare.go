package published

import (
	"fmt"
	"slices"
	"strings"
)

// Direction says who writes what a schema describes, which decides what breaks
// those who rely on it.
type Direction int

const (
	// Sent is written by us: a receiver relies on what is always there.
	Sent Direction = iota
	// Asked is written by the merchant, who relies on what is taken.
	Asked
)

// Breaks says, in a sentence each, what of a published schema those who rely on it
// would miss under the next one. None: they won't notice. New fields that nobody
// has to give, and new values in a list of values, break nothing.
func Breaks(was, next *Schema, d Direction) []string {
	return comparison{d}.compare("the body", was, next)
}

type comparison struct{ direction Direction }

func (c comparison) compare(place string, was, next *Schema) []string {
	if len(was.AnyOf) > 0 || len(next.AnyOf) > 0 {
		return c.compareAlternatives(place, was, next)
	}
	if was.Type != next.Type {
		return []string{fmt.Sprintf("%s was of the type %s, and would be of the type %s.", place, orAny(was.Type), orAny(next.Type))}
	}
	var broken []string
	for _, r := range []struct{ name, was, next string }{
		{"value", was.Const, next.Const}, {"format", was.Format, next.Format}, {"pattern", was.Pattern, next.Pattern},
	} {
		if r.was != r.next {
			broken = append(broken, fmt.Sprintf("%s had the %s %s, and would have %s.", place, r.name, orAny(r.was), orAny(r.next)))
		}
	}
	broken = append(broken, c.compareValues(place, was.Enum, next.Enum)...)
	broken = append(broken, c.compareMembers(place, was, next)...)
	if was.Items != nil && next.Items != nil {
		broken = append(broken, c.compare("each of "+place, was.Items, next.Items)...)
	}
	return broken
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

// compareValues compares lists of values; an empty one is no list, so any value.
func (c comparison) compareValues(place string, was, next []string) []string {
	switch {
	case len(was) == 0 && len(next) > 0 && c.direction == Asked:
		return []string{fmt.Sprintf("%s could be anything, and would have to be one of %s.", place, strings.Join(next, ", "))}
	case len(was) > 0 && len(next) == 0 && c.direction == Sent:
		return []string{fmt.Sprintf("%s was one of %s, and could be anything.", place, strings.Join(was, ", "))}
	case len(was) == 0 || len(next) == 0 || c.direction == Sent:
		return nil
	}
	var broken []string
	for _, value := range was {
		if !slices.Contains(next, value) {
			broken = append(broken, fmt.Sprintf("%s could be %s, and could be that no more.", place, value))
		}
	}
	return broken
}

func (c comparison) compareMembers(place string, was, next *Schema) []string {
	var broken []string
	for _, name := range sortedKeys(was.Properties) {
		member := place + "/" + name
		if place == "the body" {
			member = name
		}
		then, stays := next.Properties[name]
		if !stays {
			broken = append(broken, member+" would be gone.")
			continue
		}
		broken = append(broken, c.compare(member, was.Properties[name], then)...)
		if c.direction == Sent && slices.Contains(was.Required, name) && !slices.Contains(next.Required, name) {
			broken = append(broken, member+" was always there, and could be missing.")
		}
	}
	for _, name := range next.Required {
		if c.direction == Asked && !slices.Contains(was.Required, name) {
			broken = append(broken, fmt.Sprintf("%s could do without %s, and would need it.", place, name))
		}
	}
	return append(broken, c.compareOthers(place, was.Others, next.Others)...)
}

// compareOthers compares what members without a name of their own may be.
func (c comparison) compareOthers(place string, was, next *Others) []string {
	isMap := func(o *Others) bool { return o != nil && o.Values != nil }
	switch {
	case isMap(was) && isMap(next):
		return c.compare("each value of "+place, was.Values, next.Values)
	case isMap(was) != isMap(next):
		return []string{place + " was either a map or had named members, and would be the other of the two."}
	}
	return nil
}

// compareAlternatives compares in order: alternatives are only ever added at the end.
func (c comparison) compareAlternatives(place string, was, next *Schema) []string {
	before, after := was.AnyOf, next.AnyOf
	if len(before) == 0 || len(after) < len(before) {
		return []string{fmt.Sprintf("%s could be one of %d kinds of value, and could be one of %d.", place, max(1, len(before)), max(1, len(after)))}
	}
	var broken []string
	for i := range before {
		broken = append(broken, c.compare(fmt.Sprintf("%s, as its kind %d,", place, i+1), before[i], after[i])...)
	}
	return broken
}
