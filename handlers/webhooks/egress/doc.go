// Package egress sends messages to addresses that merchants chose, and that are
// therefore never trusted: it says where a message may go, judges each address when
// it is connected to, and tells what a try came to. It knows nothing of what is sent.
package egress
