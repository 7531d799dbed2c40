//go:build browser

package browsertest

import (
	_ "embed" // for what is below
	"encoding/json"
	"fmt"
	"strings"
)

// axe is axe-core, the accessibility checker, as it is published; its licence lies
// beside it. No page is ever served with it.
//
//go:embed testdata/axe-core-4.14.1/axe.min.js
var axe string

// axeRules are all that are about WCAG up to 2.2 AA, and axe's own best practices.
const axeRules = `["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]`

// Inaccessible lists what axe finds wrong with the page as it is now: the rule, what it
// says, and where. Text whose contrast it can't judge is listed, too: a page is built
// so that it can. What lies over the edge of something that is hidden below is no
// reason for doubt.
func (tab *Tab) Inaccessible() []string {
	tab.t.Helper()
	for begun := false; !begun || Eval[bool](tab, "!window.axe"); begun = true {
		Eval[bool](tab, axe+";window.found=undefined;axe.run(document,{runOnly:"+axeRules+",resultTypes:['violations','incomplete']})"+
			".then(r=>{window.found=JSON.stringify(r.violations.concat(r.incomplete.filter(i=>i.id==='color-contrast'"+
			"&&i.nodes.some(n=>n.any.some(c=>!/elmPartially/.test((c.data||{}).messageKey))))))},e=>{window.found=JSON.stringify([{id:'axe',help:String(e),nodes:[]}])});true")
		tab.Wait("window.found !== undefined || !window.axe") // without: the page has made way for another
	}
	var found []struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML    string `json:"html"`
			Summary string `json:"failureSummary"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal([]byte(Eval[string](tab, "window.found")), &found); err != nil {
		tab.t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		text := fmt.Sprintf("%s: %s", f.ID, f.Help)
		for _, n := range f.Nodes {
			text += "\n  " + n.HTML + "\n    " + strings.ReplaceAll(n.Summary, "\n", "\n    ")
		}
		all = append(all, text)
	}
	return all
}
