//go:build browser

package browsertest

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Within waits for a frame of the tab, or a window that it opened, whose address
// begins with prefix, and returns it as a tab of its own. Kind is "iframe" or "page".
func (tab *Tab) Within(kind, prefix string) *Tab {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, waitMax)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if id, ok := tab.target(ctx, kind, prefix); ok {
			return tab.attach(id)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			tab.t.Fatalf("waited in vain for a %s at %s", kind, prefix)
		}
	}
}

// Has reports whether there is a frame or a window whose address begins with prefix.
func (tab *Tab) Has(kind, prefix string) bool {
	_, ok := tab.target(tab.ctx, kind, prefix)
	return ok
}

func (tab *Tab) target(ctx context.Context, kind, prefix string) (target.ID, bool) {
	all, err := chromedp.Targets(ctx)
	if err != nil {
		return "", false
	}
	for _, t := range all {
		if t.Type == kind && strings.HasPrefix(t.URL, prefix) {
			return t.TargetID, true
		}
	}
	return "", false
}

func (tab *Tab) attach(id target.ID) *Tab {
	tab.t.Helper()
	ctx, cancel := chromedp.NewContext(tab.ctx, chromedp.WithTargetID(id))
	tab.t.Cleanup(cancel)
	inner := &Tab{t: tab.t, ctx: ctx, look: tab.look}
	if err := chromedp.Listen(ctx, inner.hear); err != nil {
		tab.t.Fatal(err)
	}
	call(inner, log.Enable, cdp.Empty{})
	return inner
}
