package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is rows in aligned columns. A column whose heading begins with > is aligned to
// the right, as amounts are.
type table struct {
	headings []string
	rows     [][]string
}

func newTable(headings ...string) *table { return &table{headings: headings} }

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = harmless(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// print writes the table; without headings where all of them are empty.
func (t *table) print(w io.Writer) error {
	right := make([]bool, len(t.headings))
	widths := make([]int, len(t.headings))
	names := make([]string, len(t.headings))
	for i, h := range t.headings {
		names[i], right[i] = strings.CutPrefix(h, ">")
	}
	all := t.rows
	if strings.Join(names, "") != "" {
		all = slices.Concat([][]string{names}, t.rows)
	}
	for _, cells := range all {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, cells := range all {
		var line strings.Builder
		for i, c := range cells {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if right[i] {
				line.WriteString(padding + c + "  ")
			} else {
				line.WriteString(c + padding + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// harmless is a text that others wrote, such that it can't steer a terminal or break a
// column.
func harmless(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// decimalOf writes minor units as a decimal number; as they are, where nobody knows
// where the point stands.
func decimalOf(minor string, exponent *int) string {
	if exponent == nil || *exponent == 0 {
		return minor
	}
	digits, negative := strings.CutPrefix(minor, "-")
	if missing := *exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - *exponent
	digits = digits[:point] + "." + digits[point:]
	if negative {
		return "-" + digits
	}
	return digits
}

// member is a member of an object, with the way to it.
type member struct{ name, value string }

// members are the leaves of a JSON value, in order. What is null or empty is left out.
func members(name string, value json.RawMessage) []member {
	var out []member
	switch {
	case len(value) == 0 || string(value) == "null":
		return nil
	case value[0] == '{':
		var fields map[string]json.RawMessage
		if json.Unmarshal(value, &fields) != nil {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			out = append(out, members(strings.TrimPrefix(name+"."+key, "."), fields[key])...)
		}
		return out
	case value[0] == '[':
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil {
			break
		}
		for i, item := range items {
			out = append(out, members(fmt.Sprintf("%s[%d]", name, i), item)...)
		}
		return out
	}
	return []member{{name, leaf(value)}}
}

// leaf writes a JSON value for people: a text without its quotes.
func leaf(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// pairs writes a map on one line, in order.
func pairs[V any](all map[string]V, write func(name string, value V) string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, write(name, all[name]))
	}
	return strings.Join(out, ", ")
}

// dayTime writes a time of the API with less ceremony, in UTC as it came.
func dayTime(s string) string {
	return strings.TrimSuffix(strings.Replace(s, "T", " ", 1), "Z")
}
