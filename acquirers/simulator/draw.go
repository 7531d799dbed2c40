package simulator

import (
	"net/http"
	"strconv"
)

// capture answers POST /v1/captures.
func (s *Server) capture(w http.ResponseWriter, r *http.Request) { s.draw(w, r, kindCapture) }

// void answers POST /v1/voids.
func (s *Server) void(w http.ResponseWriter, r *http.Request) { s.draw(w, r, kindVoid) }

// refund answers POST /v1/refunds.
func (s *Server) refund(w http.ResponseWriter, r *http.Request) { s.draw(w, r, kindRefund) }

// draw performs a capture, a void or a refund.
func (s *Server) draw(w http.ResponseWriter, r *http.Request, kind string) {
	var body drawBody
	if !readBody(w, r, &body) || !sound(w, body.Key, body.Currency, body.Amount, 1) {
		return
	}
	if !isKey(body.Authorisation) {
		writeFault(w, http.StatusBadRequest, faultMalformed, "The authorisation must be named by its reference.")
		return
	}
	asked := operation{
		Key: body.Key, Kind: kind, Reference: newReference(), Authorisation: body.Authorisation,
		Amount: body.Amount, Currency: body.Currency, EffectiveAt: truncated(s.cfg.Now()),
		Fingerprint: fingerprint(kind, body.Authorisation, body.Currency, strconv.FormatInt(body.Amount, 10)),
	}
	ctx, cancel := performing(r)
	defer cancel()
	stands, err := s.book.draw(ctx, asked)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if stands.Reference == asked.Reference {
		s.goOn(stands)
	}
	s.answer(w, r, asked, stands)
}
