package simulator

import "net/http"

// settle answers POST /v1/settle.
func (s *Server) settle(w http.ResponseWriter, r *http.Request) {
	var body settleBody
	if !readBody(w, r, &body) {
		return
	}
	if !isKey(body.Key) {
		writeFault(w, http.StatusBadRequest, faultMalformed, malformedKey)
		return
	}
	ctx, cancel := performing(r)
	defer cancel()
	stands, closed, err := s.book.settle(ctx, body.Key, truncated(s.cfg.Now()))
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if closed {
		s.goOn(stands)
	}
	s.reply(w, r, stands)
}
