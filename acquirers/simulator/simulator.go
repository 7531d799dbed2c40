// Package simulator is the acquirer of test mode: a service of its own, with a
// book of its own, that moves no money and behaves like one that does.
//
// [Server] is the service. It answers over HTTP, keeps its book in PostgreSQL
// (schema "simulator", role tender_simulator), shows customers a page of their bank
// or their telephone, and sends signed notifications until they are acknowledged.
// What it does is decided by the test card's number, the bank's id or the telephone's
// number alone, so that every run is like the last; the faults among them (answers that are lost, requests that come
// late) happen on the wire, as they would between two houses.
//
// [Client] is the adapter: the simulator as the engine sees it, through the port
// in package acquirers and nothing else.
//
// Of the faults, an answer that is lost (4000 0000 0000 0408; 0440 when it is
// first captured) ends in a connection that is cut at once, and only for the
// request that was performed: a repetition is answered. A request that is lost
// (0416) leaves the caller waiting, up to a minute. A sale counts as an
// authorisation with its first capture. Three cards pay like any other, and their
// refunds go wrong: 4000 0000 0000 0507 declines every refund; the refunds of 0515
// are performed and their answers lost; those of 0523 succeed, and fail half a
// minute later, which a notification tells. A number that is no test card is declined
// as an invalid account, whatever else is wrong with it.
//
// Without the customer a card pays only as one that was stored by an earlier
// payment, which is named by its network transaction id: every approved
// authorisation has one. A request without the customer that carries a CVC, asks
// for authentication, or lacks that id is refused as malformed. Cards that answer
// by count (0432) count for each such first payment, in the book.
//
// An amount of 0 verifies a card: it is approved, declined or challenged as any
// other amount would be, and there is nothing to capture, void or refund then.
//
// Accounts ([acquirers.Account]) pay at once and in full: as sales, with the money
// taken when they are approved; there is nothing to capture or void. A customer who
// chose a bank is sent to its page (action_required); one who gave a telephone number
// approves on a page that plays the telephone (pending). What they decide is told by
// a notification, unless the bank or the number is one that misbehaves; the names of
// real banks are names only, and their pages do as the customer says. [Client.Settle]
// closes what waits for a customer or a bank. In one case a closed key does not stay
// closed: money that the customer approved in time and that comes after the end, as a
// transfer may; it counts as paid from the notification on, and can be refunded. Kinds
// that may pay without the customer do so at once, named by an earlier payment's
// network transaction id, as cards are.
//
// The book holds no card number, no CVC and no telephone number. Every operation has a key, is
// performed at most once, and is never forgotten; a process that is killed and
// started again carries on from the book. Only what was still "on its way" (a
// request that arrives late) is lost with the process, as it would be with a
// cable.
package simulator

import "time"

// Name is the acquirer's name in events and in the path of notifications.
const Name = "simulator"

// How long an authorisation may be captured.
const authorisationValid = 7 * 24 * time.Hour

// The faults of the test cards, in the time of [ServerConfig.Delay].
const (
	answerLate   = 8 * time.Second  // how long a slow answer is held back
	requestLate  = 30 * time.Second // how late a late request arrives
	decidesAfter = 5 * time.Second  // how long a customer takes who decides by themselves
	toldAfter    = 30 * time.Second // how long a bank keeps a decision to itself that it tells late
	paysAfter    = 30 * time.Second // how long after the end money comes that comes after the end
	// refundFailsAfter is how long a refund counts as performed that fails late.
	refundFailsAfter = 30 * time.Second
	holdLost         = 60 * time.Second // how long a caller is left waiting whose request was lost
	requestsUnder    = 60 * time.Second // how long a request may be under way at the most
)

// Limits.
const (
	keyBytesMax      = 255
	requestBytesMax  = 64 << 10
	answerBytesMax   = 64 << 10
	amountMax        = 999_999_999_999
	urlBytesMax      = 2048
	payeeBytesMax    = 1024
	operationTimeout = 10 * time.Second // of one operation in the book
	resumedMax       = 1000             // unfinished operations that a start takes up
)
