package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/acquirers"
)

// SignatureHeader carries a notification's signature: "t=<Unix seconds>,v1=<hex
// HMAC-SHA256 of the seconds, a full stop and the body>". Each try is signed
// anew.
const SignatureHeader = "Simulator-Signature"

// signatureTolerance is how far a signature's time may lie from ours: wide enough
// for clocks that differ, narrow enough that an old message is of no use.
const signatureTolerance = 5 * time.Minute

// sign returns the header for a body that is sent at the instant at.
func sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(signatureOf(secret, seconds, body))
}

func signatureOf(secret, seconds string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}

// verify reports whether the header signs the body, not too long before or after
// now. The comparison takes the same time whatever is wrong.
func verify(secret, header string, body []byte, now time.Time) bool {
	stamp, signature, found := strings.Cut(header, ",")
	seconds, stamped := strings.CutPrefix(stamp, "t=")
	encoded, versioned := strings.CutPrefix(signature, "v1=")
	if secret == "" || !found || !stamped || !versioned {
		return false
	}
	given, err := hex.DecodeString(encoded)
	if err != nil || !hmac.Equal(given, signatureOf(secret, seconds, body)) {
		return false
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return false
	}
	return now.Sub(time.Unix(unix, 0)).Abs() <= signatureTolerance
}

// ReadNotification verifies and reads a notification. A wrong, missing or stale
// signature is [acquirers.ErrForged]; a body that is signed and not understood is
// another error. The signature is good for five minutes: read a message when it
// comes, and keep what was read.
func (c *Client) ReadNotification(header http.Header, body []byte) (acquirers.Notification, error) {
	if !verify(c.secret, header.Get(SignatureHeader), body, c.now()) {
		return acquirers.Notification{}, errors.WithStack(acquirers.ErrForged)
	}
	var n notificationBody
	if err := json.Unmarshal(body, &n); err != nil {
		return acquirers.Notification{}, errors.Wrap(err, "read the simulator's notification")
	}
	if n.ID == "" || n.Answer.Key == "" || !knownStatus(n.Answer.Status) {
		return acquirers.Notification{}, errors.New("the simulator's notification names no id, no key or no known status")
	}
	return acquirers.Notification{ID: n.ID, Answer: n.Answer.toPort()}, nil
}
