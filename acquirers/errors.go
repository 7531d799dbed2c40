package acquirers

import "github.com/cockroachdb/errors"

// ErrForged says that a notification's signature does not fit its body.
var ErrForged = errors.New("the notification's signature is wrong")
