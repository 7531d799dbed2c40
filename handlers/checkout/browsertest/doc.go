// Package browsertest drives a real browser for the tests of the checkout. All
// of it is behind the build tag "browser", because it needs Chromium.
package browsertest
