package audit

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
)

// Formats of an export.
const (
	formatJSON  = "json" // a page, for programs that look something up
	formatCSV   = "csv"
	formatLines = "jsonl"
)

// contentTypes of the formats.
var contentTypes = map[string]string{
	formatCSV:   "text/csv; charset=utf-8; header=present",
	formatLines: "application/jsonl",
}

// cell is one cell of a CSV file.
type cell struct {
	value string
	// text: it may hold anything, also what a spreadsheet would run as a formula.
	text bool
}

// text is a cell that holds what others wrote; plain one whose form is ours.
func text(s string) cell  { return cell{value: s, text: true} }
func plain(s string) cell { return cell{value: s} }
func number(n int64) cell { return plain(strconv.FormatInt(n, 10)) }
func optional(n *int) cell {
	if n == nil {
		return plain("")
	}
	return number(int64(*n))
}

// formulas are what spreadsheets take for the beginning of a formula, or for white
// space before one.
const formulas = "=+-@\t\r"

// defused returns the cell's value so that no spreadsheet runs it: behind an
// apostrophe, where it begins like a formula.
func (c cell) defused() string {
	if c.text && c.value != "" && strings.ContainsRune(formulas, rune(c.value[0])) {
		return "'" + c.value
	}
	return c.value
}

// writeRecord writes one record as RFC 4180 has it. Encoding/csv would change line
// breaks within a cell.
func writeRecord(b *bytes.Buffer, cells []cell) {
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		value := c.defused()
		if !strings.ContainsAny(value, "\",\r\n") && strings.TrimSpace(value) == value {
			b.WriteString(value)
			continue
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(value, `"`, `""`))
		b.WriteByte('"')
	}
	b.WriteString("\r\n")
}

// row is a row of an export: as it stands in JSON, and as cells.
type row struct {
	object any
	cells  []cell
	// Currency and amount are what the manifest adds up; "": the row has no amount.
	currency string
	amount   int64
}

// encoder writes rows in a format.
type encoder struct {
	w      io.Writer
	format string
	buf    bytes.Buffer
}

// flushAt is how much an encoder gathers before it writes.
const flushAt = 32 << 10

// header writes the first line of a CSV file.
func (e *encoder) header(columns []string) {
	if e.format != formatCSV {
		return
	}
	cells := make([]cell, len(columns))
	for i, c := range columns {
		cells[i] = plain(c)
	}
	writeRecord(&e.buf, cells)
}

func (e *encoder) row(r row) error {
	if e.format == formatCSV {
		writeRecord(&e.buf, r.cells)
	} else if err := writeJSON(&e.buf, r.object); err != nil {
		return err
	}
	if e.buf.Len() < flushAt {
		return nil
	}
	return e.flush()
}

func (e *encoder) flush() error {
	_, err := e.buf.WriteTo(e.w)
	return errors.Wrap(err, "write an export")
}

// writeJSON writes a value and a line feed. What it holds stays as it is written:
// payloads are the bytes that were hashed, without the white space.
func writeJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	return errors.Wrap(enc.Encode(v), "encode a row")
}
