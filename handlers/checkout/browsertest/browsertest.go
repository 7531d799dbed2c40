//go:build browser

package browsertest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	// waitMax bounds how long a page may take to show what a test waits for. It
	// has room for an answer that an acquirer gives late.
	waitMax = 60 * time.Second
	// lookEvery is the pause between two looks.
	lookEvery = 50 * time.Millisecond
)

// Look is what a page is seen through.
type Look struct {
	Phone    bool // 390 × 844, touch; else 1280 × 900
	Narrow   bool // 320 × 640: a window of 1280 magnified to 400 %
	NoScript bool // JavaScript is off
	Dark     bool
	French   bool // the browser asks for French; else for English
	Contrast bool // more contrast is preferred, and less motion
	Forced   bool // the system's few colours are forced upon the page
}

// String names the look for subtests and screenshots.
func (l Look) String() string {
	device, script, light := "desktop", "script", "light"
	if l.Phone {
		device = "phone"
	}
	if l.NoScript {
		script = "noscript"
	}
	if l.Dark {
		light = "dark"
	}
	name := device + "-" + script + "-" + light
	for _, more := range []struct {
		is   bool
		name string
	}{{l.Narrow, "narrow"}, {l.French, "french"}, {l.Contrast, "contrast"}, {l.Forced, "forced"}} {
		if more.is {
			name += "-" + more.name
		}
	}
	return name
}

// languages is the Accept-Language header.
func (l Look) languages() string {
	if l.French {
		return "fr-FR,fr;q=0.9,en;q=0.5"
	}
	return "en-US,en;q=0.9"
}

func (l Look) media() []*emulation.MediaFeature {
	choose := func(name string, is bool, yes, no string) *emulation.MediaFeature {
		if is {
			return &emulation.MediaFeature{Name: name, Value: yes}
		}
		return &emulation.MediaFeature{Name: name, Value: no}
	}
	return []*emulation.MediaFeature{
		choose("prefers-color-scheme", l.Dark, "dark", "light"),
		choose("prefers-contrast", l.Contrast, "more", "no-preference"),
		choose("prefers-reduced-motion", l.Contrast, "reduce", "no-preference"),
		choose("forced-colors", l.Forced, "active", "none"),
	}
}

// Browser is one Chromium with a profile of its own. Its path is taken from
// TENDER_CHROMIUM, else it is /usr/bin/chromium.
type Browser struct{ ctx context.Context }

// Start starts a browser that ends with the test.
func Start(t *testing.T) *Browser {
	t.Helper()
	// The profile is not t.TempDir: the browser may write to it for a moment
	// after its end, and failing to remove it is no failure of the test.
	profile, err := os.MkdirTemp("", "tender-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(cmp.Or(os.Getenv("TENDER_CHROMIUM"), "/usr/bin/chromium")),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(profile),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return &Browser{ctx}
}

// Tab is one page of a browser. Every method fails the test where it can't do
// what it says.
type Tab struct {
	t    *testing.T
	ctx  context.Context
	look Look

	mu         sync.Mutex
	requests   []string
	loads      []string
	complaints []string
}

// Open opens an empty tab, in a profile of its own.
func (b *Browser) Open(t *testing.T, look Look) *Tab {
	t.Helper()
	return open(t, b.ctx, look, chromedp.WithNewBrowserContext())
}

// Beside opens another empty tab in the tab's profile, as the same customer does.
func (tab *Tab) Beside() *Tab {
	tab.t.Helper()
	return open(tab.t, tab.ctx, tab.look)
}

func open(t *testing.T, parent context.Context, look Look, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	tab := &Tab{t: t, ctx: ctx, look: look}
	// The first action's context is the tab's life, so it must have no deadline.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	if err := chromedp.Listen(ctx, tab.hear); err != nil {
		t.Fatal(err)
	}
	size := emulation.SetDeviceMetricsOverrideParams{Width: 1280, Height: 900, DeviceScaleFactor: 1}
	if look.Phone {
		size = emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 2, Mobile: true}
	}
	if look.Narrow {
		size = emulation.SetDeviceMetricsOverrideParams{Width: 320, Height: 640, DeviceScaleFactor: 2}
	}
	call(tab, log.Enable, cdp.Empty{})
	call(tab, network.Enable, network.EnableParams{})
	call(tab, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": look.languages()}})
	call(tab, emulation.SetDeviceMetricsOverride, size)
	call(tab, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: look.Phone})
	call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: look.media()})
	call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: look.NoScript})
	return tab
}

// Close closes the tab, and with it whatever is shown in it; nothing can be done with it
// afterwards. Windows that it has opened stay.
func (tab *Tab) Close() {
	tab.t.Helper()
	err := chromedp.Cancel(tab.ctx)
	// What is shown in the tab is closed at the same time, and may take the tab along.
	if err != nil && !strings.Contains(err.Error(), "No target with given id found") {
		tab.t.Fatal(err)
	}
}

func call[P, R any](tab *Tab, command cdp.Command[P, R], params P) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, waitMax)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		tab.t.Fatalf("%s: %v", command.Method, err)
	}
}

func (tab *Tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, waitMax)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		tab.t.Fatalf("%v\nthe page says: %s", err, tab.Text())
	}
}

// hear notes what the browser asked for and what it complained about.
func (tab *Tab) hear(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		tab.requests = append(tab.requests, e.Request.URL)
		if e.Type != network.ResourceTypeDocument {
			tab.loads = append(tab.loads, e.Request.URL)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			tab.complaints = append(tab.complaints, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
		tab.complaints = append(tab.complaints, text)
	}
}

// Requests are the addresses asked for so far.
func (tab *Tab) Requests() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.requests...)
}

// Loads are those among them that pages asked for by themselves: all but the pages.
func (tab *Tab) Loads() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.loads...)
}

// Complaints are the browser's errors and warnings so far: refused by the
// policy, thrown by the script, answered with an error status.
func (tab *Tab) Complaints() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.complaints...)
}

// Go opens an address. A page that moves on by itself at that very moment is left
// all the same.
func (tab *Tab) Go(url string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, waitMax)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Navigate(url))
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "net::ERR_ABORTED") {
			tab.t.Fatalf("%v\nthe page says: %s", err, tab.Text())
		}
	}
}

// Type types into the element as a person does, after what is there.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	tab.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Click clicks on the element once it can be seen.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.do(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// Keys presses keys wherever the focus is.
func (tab *Tab) Keys(keys string) {
	tab.t.Helper()
	tab.do(chromedp.KeyEvent(keys))
}

// Paste puts text where the focus is, all at once.
func (tab *Tab) Paste(text string) {
	tab.t.Helper()
	call(tab, input.InsertText, input.InsertTextParams{Text: text})
}

// Eval answers a JavaScript expression, also where the page's own script is off.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, waitMax)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		tab.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Wait waits until a JavaScript expression is true, over any number of pages.
func (tab *Tab) Wait(expression string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, waitMax)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		// An error is a page that is just going away: the next one may do.
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+expression+")"))
		if err == nil && ok {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			tab.t.Fatalf("waited in vain for %s\nat %s the page says: %s", expression, tab.URL(), tab.Text())
		}
	}
}

// WaitState waits for the checkout page of a state.
func (tab *Tab) WaitState(state string) {
	tab.t.Helper()
	tab.Wait(fmt.Sprintf("document.body.dataset.state === %q", state))
}

// URL is the tab's address.
func (tab *Tab) URL() string { return tab.glance("location.href") }

// Text is what the page shows, "" while there is none.
func (tab *Tab) Text() string { return tab.glance("document.body.innerText") }

// glance answers an expression, or "" if the page can't say soon.
func (tab *Tab) glance(expression string) string {
	const soon = 2 * time.Second
	ctx, cancel := context.WithTimeout(tab.ctx, soon)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	return v
}

// Shot keeps a picture of the whole page in the folder that TENDER_ARTEFACTS
// names, if it does.
func (tab *Tab) Shot(name string) {
	tab.t.Helper()
	folder := os.Getenv("TENDER_ARTEFACTS")
	if folder == "" {
		return
	}
	const lossless = 100
	ctx, cancel := context.WithTimeout(tab.ctx, waitMax)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(lossless))
	if err != nil {
		tab.t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		tab.t.Fatal(err)
	}
	file := strings.ReplaceAll(name+"-"+tab.look.String(), "/", "-") + ".png"
	if err := os.WriteFile(filepath.Join(folder, file), png, 0o644); err != nil {
		tab.t.Fatal(err)
	}
}
