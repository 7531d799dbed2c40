package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/acquirers"
)

// ErrKeyReused says that a key was used before for another request. Nothing was
// performed for this one; what the first came to is what [Client.Settle] says.
var ErrKeyReused = errors.New("the simulator knows this key from another request")

// ErrRefused says that the simulator did not understand a request, or did not
// accept the API key. It performed nothing, and its book does not know of it.
var ErrRefused = errors.New("the simulator refused the request")

// ClientConfig says how to reach a simulator.
type ClientConfig struct {
	BaseURL            string // of the server, e.g. "http://127.0.0.1:8090"
	APIKey             string
	NotificationSecret string
	// HTTPClient, if any, takes the place of the adapter's own, which keeps
	// connections open for a few hundred callers and follows no redirects.
	HTTPClient *http.Client
	// Now is the clock that signatures are judged by; nil: the wall's.
	Now func() time.Time
}

// Client is the adapter for the simulator. It is safe for concurrent use.
//
// An error means that the outcome is unknown, the two sentinels above included:
// they say that this request did nothing, not what became of its key. The
// client never repeats a call by itself, and sets no deadline: the context's is
// the only one.
type Client struct {
	base   string
	apiKey string
	secret string
	http   *http.Client
	now    func() time.Time
}

var _ acquirers.Acquirer = (*Client)(nil)

// connectionsIdle is how many connections are kept for the next calls. With the
// standard library's two, every burst of payments would begin with handshakes.
const connectionsIdle = 256

// New returns the adapter. It connects with the first call.
func New(cfg ClientConfig) *Client {
	c := &Client{
		base:   strings.TrimSuffix(cfg.BaseURL, "/"),
		apiKey: "Bearer " + cfg.APIKey,
		secret: cfg.NotificationSecret,
		http:   cfg.HTTPClient,
		now:    cfg.Now,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.http == nil {
		c.http = &http.Client{
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
				TLSHandshakeTimeout: 3 * time.Second,
				MaxIdleConns:        connectionsIdle,
				MaxIdleConnsPerHost: connectionsIdle,
				IdleConnTimeout:     90 * time.Second,
				DisableCompression:  true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return c
}

// Name returns "simulator".
func (c *Client) Name() string { return Name }

// Capabilities says what the simulator can do. It never serves live payments.
func (c *Client) Capabilities() acquirers.Capabilities {
	return acquirers.Capabilities{
		SeveralCaptures:    true,
		VoidAfterCapture:   true,
		ManualCapture:      true,
		Verification:       true,
		Refund:             true,
		ClosesKeys:         true,
		RequestLifetime:    requestsUnder,
		KeyMemory:          365 * 24 * time.Hour, // the book keeps for ever; nobody should need to rely on that
		AuthorisationValid: authorisationValid,
		Accounts:           kindsWhere(func(accountKind) bool { return true }),
		AccountsAlone:      kindsWhere(func(k accountKind) bool { return k.alone }),
		Banks:              banksToChoose(),
	}
}

// Authorise asks for an authorisation or, with Capture, for a sale.
func (c *Client) Authorise(ctx context.Context, a acquirers.Authorisation) (acquirers.Answer, error) {
	return c.call(ctx, "/v1/authorisations", a.Key, authorisationToWire(a))
}

// Capture takes part or all of an authorisation.
func (c *Client) Capture(ctx context.Context, d acquirers.Capture) (acquirers.Answer, error) {
	return c.call(ctx, "/v1/captures", d.Key,
		drawBody{Key: d.Key, Authorisation: d.Reference, Amount: d.Amount, Currency: d.Currency})
}

// Void gives part or all of an authorisation back, also after it has expired.
func (c *Client) Void(ctx context.Context, d acquirers.Void) (acquirers.Answer, error) {
	return c.call(ctx, "/v1/voids", d.Key,
		drawBody{Key: d.Key, Authorisation: d.Reference, Amount: d.Amount, Currency: d.Currency})
}

// Refund pays part or all of what was captured back.
func (c *Client) Refund(ctx context.Context, d acquirers.Refund) (acquirers.Answer, error) {
	return c.call(ctx, "/v1/refunds", d.Key,
		drawBody{Key: d.Key, Authorisation: d.Reference, Amount: d.Amount, Currency: d.Currency})
}

// Settle ends doubt about a key. After it has answered, the answer stands for
// ever, whatever is still under way, but for two: an approved refund may fail late,
// and money may come from an account after its key was closed. Notifications tell.
func (c *Client) Settle(ctx context.Context, key string) (acquirers.Answer, error) {
	return c.call(ctx, "/v1/settle", key, settleBody{Key: key})
}

// call sends one request and reads its answer.
func (c *Client) call(ctx context.Context, path, key string, request any) (acquirers.Answer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return acquirers.Answer{}, errors.Wrap(err, "write the request to the simulator")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return acquirers.Answer{}, errors.Wrap(err, "make the request to the simulator")
	}
	req.Header.Set("Authorization", c.apiKey)
	req.Header.Set("Content-Type", "application/json")

	res, err := c.http.Do(req)
	if err != nil {
		return acquirers.Answer{}, errors.Wrapf(err, "ask the simulator: %s", path)
	}
	defer func() { _ = res.Body.Close() }()
	// Read to the end, so that the connection can be used again.
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerBytesMax))
	if err != nil {
		return acquirers.Answer{}, errors.Wrapf(err, "read the simulator's answer: %s", path)
	}
	if res.StatusCode != http.StatusOK {
		return acquirers.Answer{}, faultOf(res.StatusCode, answer)
	}
	return readAnswer(key, answer)
}

// faultOf makes an error of an answer that is no answer to the question.
func faultOf(status int, body []byte) error {
	var f faultBody
	if err := json.Unmarshal(body, &f); err != nil {
		return errors.Newf("the simulator answered with status %d", status)
	}
	switch f.Code {
	case faultKeyReused:
		return errors.WithStack(ErrKeyReused)
	case faultMalformed, faultTooLarge, faultUnauthorised:
		return errors.Wrap(ErrRefused, f.Message)
	}
	return errors.Newf("the simulator answered with status %d: %s", status, f.Message)
}

func readAnswer(key string, body []byte) (acquirers.Answer, error) {
	var b answerBody
	if err := json.Unmarshal(body, &b); err != nil {
		return acquirers.Answer{}, errors.Wrap(err, "read the simulator's answer")
	}
	if b.Key != key {
		return acquirers.Answer{}, errors.New("the simulator answered for another key")
	}
	if !knownStatus(b.Status) {
		return acquirers.Answer{}, errors.Newf("the simulator answered with the unknown status %q", b.Status)
	}
	return b.toPort(), nil
}

// knownStatus reports whether the simulator ever says so.
func knownStatus(s string) bool {
	switch acquirers.Status(s) {
	case acquirers.StatusApproved, acquirers.StatusDeclined, acquirers.StatusActionRequired,
		acquirers.StatusPending, acquirers.StatusClosed:
		return true
	}
	return false
}
