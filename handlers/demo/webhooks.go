package demo

import (
	"encoding/json"
	"io"
	"net/http"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// message is what a webhook tells: that something happened to an object, and the
// object as it was right after.
type message struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// receive takes a webhook. What a shop does with one is all here: believe only what
// is signed, drop what came before, and take in the object if it is newer than what
// is known. Any 2xx is the receipt; without one the message comes again.
func (s *Shop) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, hookBytesMax))
	if err != nil {
		http.Error(w, "The message can't be read.", http.StatusBadRequest)
		return
	}
	secret := s.secret()
	if secret == "" {
		http.Error(w, "The shop has no endpoint yet.", http.StatusServiceUnavailable)
		return
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err == nil {
		err = verifier.Verify(body, r.Header)
	}
	if err != nil {
		s.disbelieve()
		http.Error(w, "The signature is wrong, or too old.", http.StatusUnauthorized)
		return
	}
	var m message
	var h heading
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "The message is no JSON.", http.StatusBadRequest)
		return
	}
	_ = json.Unmarshal(m.Data, &h) // a test message tells of nothing
	s.update(func() { s.hear(m, h, r.Header, body) })
	w.WriteHeader(http.StatusNoContent)
}

// hear writes a good message down, and takes in what it tells. s.mu is held.
func (s *Shop) hear(m message, h heading, header http.Header, body []byte) {
	if e := s.seen[m.ID]; e != nil { // at least once is the promise: this is the second time
		e.times++
		return
	}
	o := s.adopt(h)
	e := s.add(o, &entry{
		kind: kindHook, says: m.Type, topic: m.Type, messageID: m.ID, done: true, times: 1, body: s.mask(body),
		sent: header.Get(standardwebhooks.HeaderWebhookTimestamp), signature: header.Get(standardwebhooks.HeaderWebhookSignature),
	})
	s.seen[m.ID] = e
	s.seenIDs = append(s.seenIDs, m.ID)
	if len(s.seenIDs) > messagesMax {
		delete(s.seen, s.seenIDs[0])
		s.seenIDs = append([]string(nil), s.seenIDs[1:]...)
	}
	if o != nil {
		s.keepObject(o, h, m.Data)
	}
}

// disbelieve counts messages that are not signed as they should be. Nothing of them
// is kept: anybody on this machine can send them.
func (s *Shop) disbelieve() {
	s.update(func() {
		for _, e := range s.backdrop.entries {
			if e.refused != "" {
				e.times++
				return
			}
		}
		s.add(nil, &entry{kind: kindHook, says: "A message that nobody signed", done: true, times: 1, refused: "Its signature is wrong, or older than five minutes. The shop answered 401 and believed nothing of it."})
	})
}
