package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

const (
	// DeliveryTimeout is all that an endpoint has: to connect, and to answer,
	// headers and body.
	DeliveryTimeout = 15 * time.Second
	// AnswerBytesMax is how much of an answer is read and kept.
	AnswerBytesMax = 16 << 10

	answerHeaderBytesMax = 16 << 10
	connectTimeout       = 10 * time.Second
	idleTimeout          = 60 * time.Second
	idleConnsMax         = 1024
	idleConnsPerHostMax  = 8
	keepAlive            = 30 * time.Second
	userAgent            = "Tender-Webhooks/1"
)

// Client sends messages to where merchants want them, under a [Policy]. The
// address is judged when the connection is made, after its name was resolved; no
// redirect is followed, and no proxy of the environment is used, because either
// would lead round that. It is safe for concurrent use.
type Client struct {
	policy  Policy
	timeout time.Duration
	secure  *http.Client // TLS, to public addresses
	plain   *http.Client // to loopback, where the policy allows it
}

// Option changes an [Client], for tests.
type Option func(*settings)

type settings struct {
	timeout  time.Duration
	resolver *net.Resolver
	tls      *tls.Config
}

// WithTimeout replaces [DeliveryTimeout].
func WithTimeout(d time.Duration) Option { return func(s *settings) { s.timeout = d } }

// WithResolver replaces the system's resolver.
func WithResolver(r *net.Resolver) Option { return func(s *settings) { s.resolver = r } }

// WithTLS sets whose certificates are trusted. The lowest version stays 1.2.
func WithTLS(c *tls.Config) Option { return func(s *settings) { s.tls = c } }

// New returns a client under p.
func New(p Policy, options ...Option) *Client {
	s := settings{timeout: DeliveryTimeout}
	for _, o := range options {
		o(&s)
	}
	return &Client{
		policy: p, timeout: s.timeout,
		secure: client(p, s, false),
		plain:  client(p, s, true),
	}
}

// Close gives back idle connections.
func (e *Client) Close() {
	e.secure.CloseIdleConnections()
	e.plain.CloseIdleConnections()
}

func client(p Policy, s settings, plain bool) *http.Client {
	config := s.tls.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	dialer := &net.Dialer{
		Timeout: connectTimeout, KeepAlive: keepAlive, Resolver: s.resolver,
		// Control runs for every address that is tried, between its resolution
		// and the connection: nothing can change in between.
		Control: func(_, address string, _ syscall.RawConn) error { return p.judge(address, plain) },
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext,
			TLSClientConfig: config, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: connectTimeout, DisableCompression: true,
			MaxResponseHeaderBytes: answerHeaderBytesMax,
			MaxIdleConns:           idleConnsMax, MaxIdleConnsPerHost: idleConnsPerHostMax,
			IdleConnTimeout: idleTimeout,
		},
	}
}

// Answer is what a try came to. Class is always set; what follows is there as
// far as the try came.
type Answer struct {
	Class      Class
	Status     int           // HTTP; 0: no answer
	RetryAfter time.Duration // as the endpoint asked; 0: it didn't
	Address    string        // that was connected to
	Body       []byte        // its first AnswerBytesMax bytes
	Truncated  bool          // the body went on
	Duration   time.Duration
	Detail     string // of an error, for people; never from the answer's body
}

// Post sends a message once. It never fails: what goes wrong is the answer's
// class. When ctx ends first, the class is [Abandoned], and it is unknown
// whether the message arrived.
func (e *Client) Post(ctx context.Context, target string, header http.Header, body []byte) (answer Answer) {
	started := time.Now()
	defer func() { answer.Duration = time.Since(started) }()
	if why := e.policy.CheckURL(target); why != "" {
		return Answer{Class: Blocked, Detail: why}
	}
	deadline, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	var trace connection
	request, err := http.NewRequestWithContext(trace.watch(deadline), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return Answer{Class: Blocked, Detail: "not a URL"}
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", userAgent)
	response, err := e.client(request.URL).Do(request)
	if err != nil {
		class, detail := e.failure(ctx, err, trace.connected())
		return Answer{Class: class, Detail: detail, Address: trace.address()}
	}
	defer response.Body.Close() // unread, it closes the connection
	answer = Answer{
		Class: ofStatus(response.StatusCode), Status: response.StatusCode, Address: trace.address(),
		RetryAfter: ParseRetryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, AnswerBytesMax+1))
	if len(answer.Body) > AnswerBytesMax {
		answer.Body, answer.Truncated = answer.Body[:AnswerBytesMax], true
	}
	if err != nil && answer.Class.Success() { // of another status the status tells it all
		answer.Class, answer.Detail = e.failure(ctx, err, true)
	}
	return answer
}

func (e *Client) client(u *url.URL) *http.Client {
	if u.Scheme == "https" {
		return e.secure
	}
	return e.plain
}

func (e *Client) failure(ctx context.Context, err error, connected bool) (Class, string) {
	if ctx.Err() != nil {
		return Abandoned, "stopped from here"
	}
	var in *url.Error
	if errors.As(err, &in) {
		err = in.Err // the URL is known, and may hold what is not for logs
	}
	return ofError(err, connected), err.Error()
}

// connection sees which address a request came to talk to. Its hooks run on
// other goroutines, some after the request has ended.
type connection struct {
	mu     sync.Mutex
	remote string
}

func (c *connection) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.remote = info.Conn.RemoteAddr().String()
		},
	})
}

func (c *connection) address() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remote
}

func (c *connection) connected() bool { return c.address() != "" }
