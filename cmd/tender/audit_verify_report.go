package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/verify"
	"tender/cmd/tender/internal/verify/invariants"
	"tender/projections"
)

// rowInWords says what is wrong with a row.
func rowInWords(d projections.Difference) string {
	switch d.What {
	case projections.RowMissing:
		return "the row is missing"
	case projections.RowAdded:
		return "there is a row that the log does not fold to"
	case projections.RowDifferent:
		return "the row is not what the log folds to: " + d.Detail
	case projections.RowUnfolded:
		return "an event can't be folded into the row, and isn't set aside: " + d.Detail
	case projections.CursorWrong:
	}
	return d.Detail
}

// meanings say what a finding means, and what to do about it.
var meanings = map[verify.Check]string{
	verify.CheckLog: "Somebody has changed the log itself, by force. Stop what writes, keep the database as it is for whoever " +
		"investigates, and compare with a backup and with the checkpoints that were kept outside.",
	verify.CheckJournal: "What finance sees does not follow from the log. If the log holds, the read model was changed or has a fault: " +
		"tender rebuild journal makes it anew; statements and exports that were made before it are to be made again.",
	verify.CheckReplay: "This build can't fold the stream, so that every command on its object fails. If the log holds, it is an event that " +
		"no build should have appended, or a fault of this build: compare with the build before by tender audit replay --digest.",
	verify.CheckInvariant: "The log says something that must never be. If the log holds, it was appended so: by a fault of the rules, or by " +
		"somebody who appends like the application. The event names its actor; tender audit history tells what led to it.",
	verify.CheckReadModel: "What is shown does not follow from the log: the row was changed by hand, or the fold has a fault. " +
		"tender rebuild with the read model's name makes it anew; then verify again.",
}

// runbook is where more is said.
const runbook = "docs/runbook.md, \"tender audit verify finds something\", says more."

// lay prints what was found for people.
func (v *verification) lay(w io.Writer) error {
	findings, total := v.findings.All()
	v.layLog(w, findings)
	if !v.flags.logOnly {
		v.layStreams(w, findings)
	}
	events := max(v.log.Last, v.streams.Events)
	fmt.Fprintf(w, "%d events in %s, %.0f a second.\n", events, v.took.Round(1e6), float64(events)/max(v.took.Seconds(), 1e-6))
	if total == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nWRONG: %s, the first at position %d.\n", counted(total, "finding"), findings[0].Position)
	for _, f := range findings {
		fmt.Fprintf(w, "  position %d: %s%s: %s\n", f.Position, checkInWords(f), withSpace(f.Subject), f.Detail)
	}
	if total > len(findings) {
		fmt.Fprintf(w, "  … and %d more, at later positions\n", total-len(findings))
	}
	fmt.Fprintln(w)
	for _, check := range []verify.Check{verify.CheckLog, verify.CheckJournal, verify.CheckReplay, verify.CheckInvariant, verify.CheckReadModel} {
		if found(findings, check) {
			fmt.Fprintf(w, "%s: %s\n", check, meanings[check])
		}
	}
	_, err := fmt.Fprintln(w, runbook)
	return err
}

func checkInWords(f verify.Finding) string {
	if f.Name == "" {
		return string(f.Check)
	}
	return fmt.Sprintf("%s %s", f.Check, f.Name)
}

func withSpace(subject string) string {
	if subject == "" {
		return ""
	}
	return ": " + subject
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func found(findings []verify.Finding, checks ...verify.Check) bool {
	return slices.ContainsFunc(findings, func(f verify.Finding) bool { return slices.Contains(checks, f.Check) })
}

// layLog says what holds of the log, and of the journal.
func (v *verification) layLog(w io.Writer, findings []verify.Finding) {
	r := v.log
	if found(findings, verify.CheckLog) {
		fmt.Fprintf(w, "The %s log does NOT hold; up to position %d it does.\n", v.flags.mode, r.Last)
		return
	}
	fmt.Fprintf(w, "The %s log holds: %d events in %d streams.\n", v.flags.mode, r.Last, r.Streams)
	fmt.Fprintf(w, "  chain  %s\n", hex.EncodeToString(r.Chain[:]))
	fmt.Fprintf(w, "  tree   %s\n", r.Root)
	switch {
	case r.Checkpoints == 0:
		fmt.Fprintln(w, "  It is not sealed: whoever could recompute the chain could have changed it.")
	case v.signed:
		fmt.Fprintf(w, "  %d checkpoints signed for %s agree, the last with %d events; %d came after it.\n", r.Checkpoints, r.Origin, r.Sealed, r.Unsealed)
	default:
		fmt.Fprintf(w, "  %d checkpoints agree, the last with %d events; %d came after it. NOBODY'S SIGNATURES WERE CHECKED: name the keys with --keys.\n", r.Checkpoints, r.Sealed, r.Unsealed)
	}
	if r.Kept > 0 {
		fmt.Fprintf(w, "  %d of them were kept outside the database.\n", r.Kept)
	}
	if r.LeavesWrongAt > 0 {
		fmt.Fprintf(w, "  The tiles are wrong from %d on, not the log; the next start of a sealer makes them again.\n", r.LeavesWrongAt)
	}
	fmt.Fprintf(w, "The journal comes to %d entries, which add up to zero at every position%s.\n", r.Journal.Entries, in(r.Journal.Accounts))
	switch {
	case r.Journal.Unread != "":
		fmt.Fprintf(w, "  The journal that is shown was not looked at: %s.\n", r.Journal.Unread)
	case !found(findings, verify.CheckJournal):
		fmt.Fprintf(w, "  The journal that is shown is the same, up to position %d.\n", r.Journal.Compared)
	}
	if r.Journal.LeftOut > 0 {
		fmt.Fprintf(w, "  Neither takes in what was left out or set aside: %s. tender projections skipped journal tells which.\n", counted(r.Journal.LeftOut, "event"))
	}
}

func in(accounts map[string]map[string]int64) string {
	if len(accounts) == 0 {
		return ""
	}
	return " in " + strings.Join(slices.Sorted(maps.Keys(accounts)), ", ")
}

// layStreams says what holds of what the log says, and of what is shown of it.
func (v *verification) layStreams(w io.Writer, findings []verify.Finding) {
	if !found(findings, verify.CheckReplay, verify.CheckInvariant) {
		fmt.Fprintf(w, "Every stream folds, and %d predicates hold of %d events in %d streams.\n", len(invariants.All()), v.streams.Events, v.streams.Streams)
	}
	var rows int64
	looked := 0
	for _, c := range v.compared {
		if c.Left == "" {
			looked++
			rows += c.Rows
		}
	}
	if !found(findings, verify.CheckReadModel) {
		fmt.Fprintf(w, "%d read models show what the log folds to: %d rows.\n", looked, rows)
	}
	for _, c := range v.compared {
		if c.Left != "" {
			fmt.Fprintf(w, "  %s was not looked at: %s.\n", c.Name, c.Left)
		}
	}
}

// verdict is the command's end: an error where anything is wrong.
func (v *verification) verdict() error {
	findings, total := v.findings.All()
	if total == 0 && v.signed && v.log.Checkpoints == 0 && v.log.Last > 0 {
		return errors.Newf("the %s log is in order, and nothing proves that it is the one that was written: keys were named, and there is no checkpoint", v.flags.mode)
	}
	if total == 0 {
		return nil
	}
	first := findings[0]
	what := first.Detail
	if first.Name != "" && first.Check == verify.CheckLog {
		what = first.Name + ": " + what
	}
	if found(findings, verify.CheckLog) {
		return errors.Newf("the %s log is WRONG at position %d: %s", v.flags.mode, first.Position, what)
	}
	return errors.Newf("the %s log holds, and what it says or what is shown of it is WRONG, first at position %d: %s: %s",
		v.flags.mode, first.Position, checkInWords(first), what)
}

// The JSON form of what was found.
type (
	verifiedJSON struct {
		Mode          string           `json:"mode"`
		Holds         bool             `json:"holds"`
		FirstWrong    int64            `json:"first_wrong_position,omitempty"`
		Events        int64            `json:"events"`
		Streams       int              `json:"streams"`
		Chain         string           `json:"chain"`
		Root          string           `json:"root"`
		Checkpoints   int              `json:"checkpoints"`
		Sealed        int64            `json:"sealed"`
		Signed        bool             `json:"signatures_checked"`
		Journal       journalJSON      `json:"journal"`
		Predicates    int              `json:"predicates,omitempty"`
		ReadModels    []readModelJSON  `json:"read_models,omitempty"`
		Findings      []verify.Finding `json:"findings"`
		FindingsTotal int              `json:"findings_total"`
		Seconds       float64          `json:"seconds"`
	}
	journalJSON struct {
		Entries  int64                        `json:"entries"`
		Compared int64                        `json:"compared_up_to"`
		Balances map[string]map[string]string `json:"balances"`
	}
	readModelJSON struct {
		Name       string `json:"name"`
		Generation int    `json:"generation"`
		Position   int64  `json:"position"`
		Rows       int64  `json:"rows"`
		Left       string `json:"not_compared,omitempty"`
	}
)

// layJSON prints what was found for machines.
func (v *verification) layJSON(w io.Writer) error {
	findings, total := v.findings.All()
	said := verifiedJSON{
		Mode: v.flags.mode, Holds: total == 0, Events: v.log.Last, Streams: v.log.Streams,
		Chain: hex.EncodeToString(v.log.Chain[:]), Root: v.log.Root.String(),
		Checkpoints: v.log.Checkpoints, Sealed: v.log.Sealed, Signed: v.signed,
		Journal:  journalJSON{Entries: v.log.Journal.Entries, Compared: v.log.Journal.Compared, Balances: map[string]map[string]string{}},
		Findings: append([]verify.Finding{}, findings...), FindingsTotal: total, Seconds: v.took.Seconds(),
	}
	if total > 0 {
		said.FirstWrong = findings[0].Position
	}
	for currency, accounts := range v.log.Journal.Accounts {
		said.Journal.Balances[currency] = map[string]string{}
		for account, sum := range accounts {
			said.Journal.Balances[currency][account] = fmt.Sprint(sum)
		}
	}
	if !v.flags.logOnly {
		said.Predicates = len(invariants.All())
	}
	for _, c := range v.compared {
		said.ReadModels = append(said.ReadModels, readModelJSON(c))
	}
	text, err := json.MarshalIndent(said, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
