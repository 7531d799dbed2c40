package eventstore

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// columns holds a batch as the append function takes it: an array per parameter,
// in the order of the function's parameters. It is filled anew for each batch.
type columns struct {
	cID                    []pgtype.UUID
	cMerchant, cRequest    []string
	cCausation             []pgtype.UUID
	cActorKind, cActorID   []string
	qCmd                   []int32
	qKind, qKey            []string
	qFingerprints          [][]byte
	qStream                []string
	aCmd                   []int32
	aCommand               []pgtype.UUID
	aStatus                []int32
	aStream                []string
	aVersion               []int32
	aRefusal               [][]byte
	xCmd                   []int32
	xStream                []string
	xVersion               []int32
	eX                     []int32
	eType                  []string
	eSchema                []int32
	eID                    []pgtype.UUID
	eAt                    []time.Time
	eEffective             []pgtype.Timestamptz
	ePayload               [][]byte
	kCmd                   []int32
	kKind, kValue, kStream []string
	kSoft                  []bool
}

func (v *columns) arguments() []any {
	return []any{
		v.cID, v.cMerchant, v.cRequest, v.cCausation, v.cActorKind, v.cActorID,
		v.qCmd, v.qKind, v.qKey, v.qFingerprints, v.qStream,
		v.aCmd, v.aCommand, v.aStatus, v.aStream, v.aVersion, v.aRefusal,
		v.xCmd, v.xStream, v.xVersion,
		v.eX, v.eType, v.eSchema, v.eID, v.eAt, v.eEffective, v.ePayload,
		v.kCmd, v.kKind, v.kValue, v.kStream, v.kSoft,
	}
}

// call returns the statement that the columns are the arguments of.
func (v *columns) call(log Log) string {
	parameters := make([]string, len(v.arguments()))
	for i := range parameters {
		parameters[i] = "$" + strconv.Itoa(i+1)
	}
	return `SELECT outcome, first, last, detail FROM ` + log.table("append") + `(` + strings.Join(parameters, ", ") + `)`
}

func (v *columns) fill(batch []*pending) {
	v.empty()
	at := make(map[string]int32) // the expectation of each stream, of one command
	for i, p := range batch {
		cmd := int32(i + 1)
		c := p.command
		v.cID = append(v.cID, present(c.ID))
		v.cMerchant = append(v.cMerchant, c.MerchantID)
		v.cRequest = append(v.cRequest, c.RequestID)
		v.cCausation = append(v.cCausation, optional(c.Causation))
		v.cActorKind = append(v.cActorKind, string(c.Actor.Kind))
		v.cActorID = append(v.cActorID, c.Actor.ID)
		v.addIdempotency(cmd, c)
		clear(at)
		for _, x := range c.Expect {
			v.xCmd = append(v.xCmd, cmd)
			v.xStream = append(v.xStream, x.Stream)
			v.xVersion = append(v.xVersion, int32(x.Version))
			at[x.Stream] = int32(len(v.xCmd))
		}
		for j := range c.Events {
			v.addEvent(at[c.Events[j].Stream], &c.Events[j])
		}
		for _, k := range c.Claims {
			v.kCmd = append(v.kCmd, cmd)
			v.kKind = append(v.kKind, k.Kind)
			v.kValue = append(v.kValue, k.Value)
			v.kStream = append(v.kStream, k.Stream)
			v.kSoft = append(v.kSoft, k.Soft)
		}
	}
}

func (v *columns) addEvent(expectation int32, e *NewEvent) {
	v.eX = append(v.eX, expectation)
	v.eType = append(v.eType, e.Type)
	v.eSchema = append(v.eSchema, int32(e.SchemaVersion))
	v.eID = append(v.eID, present(e.ID))
	v.eAt = append(v.eAt, e.At)
	v.eEffective = append(v.eEffective, pgtype.Timestamptz{Time: e.EffectiveAt, Valid: !e.EffectiveAt.IsZero()})
	v.ePayload = append(v.ePayload, e.Payload)
}

func (v *columns) addIdempotency(cmd int32, c *Command) {
	if k := c.Key; k != nil {
		v.qCmd = append(v.qCmd, cmd)
		v.qKind = append(v.qKind, k.Kind)
		v.qKey = append(v.qKey, k.Key)
		v.qFingerprints = append(v.qFingerprints, k.Fingerprints)
		v.qStream = append(v.qStream, k.Stream)
	}
	if a := c.Answer; a != nil {
		v.aCmd = append(v.aCmd, cmd)
		v.aCommand = append(v.aCommand, present(a.CommandID))
		v.aStatus = append(v.aStatus, int32(a.Status))
		v.aStream = append(v.aStream, a.Stream)
		v.aVersion = append(v.aVersion, int32(a.Version))
		v.aRefusal = append(v.aRefusal, a.Refusal)
	}
}

// empty makes every array empty, not NULL, and keeps its memory.
func (v *columns) empty() {
	*v = columns{
		cID: anew(v.cID), cMerchant: anew(v.cMerchant), cRequest: anew(v.cRequest), cCausation: anew(v.cCausation),
		cActorKind: anew(v.cActorKind), cActorID: anew(v.cActorID),
		qCmd: anew(v.qCmd), qKind: anew(v.qKind), qKey: anew(v.qKey), qFingerprints: anew(v.qFingerprints), qStream: anew(v.qStream),
		aCmd: anew(v.aCmd), aCommand: anew(v.aCommand), aStatus: anew(v.aStatus), aStream: anew(v.aStream),
		aVersion: anew(v.aVersion), aRefusal: anew(v.aRefusal),
		xCmd: anew(v.xCmd), xStream: anew(v.xStream), xVersion: anew(v.xVersion),
		eX: anew(v.eX), eType: anew(v.eType), eSchema: anew(v.eSchema), eID: anew(v.eID), eAt: anew(v.eAt),
		eEffective: anew(v.eEffective), ePayload: anew(v.ePayload),
		kCmd: anew(v.kCmd), kKind: anew(v.kKind), kValue: anew(v.kValue), kStream: anew(v.kStream), kSoft: anew(v.kSoft),
	}
}

func anew[T any](s []T) []T {
	if s == nil {
		return make([]T, 0, batchCommandsMax)
	}
	clear(s)
	return s[:0]
}

func present(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: true} }

func optional(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: u != uuid.Nil} }
