package object

import (
	"tender/domain/codec"
	"tender/domain/recovery"
	"tender/eventstore"
)

// Recovery is the job that sends an endpoint again what did not arrive, as clients see
// it. While it runs its sums are not in the log: whoever shows it adds how far it is.
type Recovery struct {
	ID         string              `json:"id"`
	EndpointID string              `json:"endpoint_id"`
	Status     recovery.Status     `json:"status"`
	StopReason recovery.StopReason `json:"stop_reason,omitempty"`
	Since      Time                `json:"since"`
	Until      *Time               `json:"until,omitempty"`
	Examined   int                 `json:"examined"` // events that were looked at
	Resent     int                 `json:"resent"`   // deliveries that were sent again
	// Pending is how many of these are on their way; nil: not looked at.
	Pending   *int   `json:"pending,omitempty"`
	Mode      string `json:"mode"`
	Version   int    `json:"version"`
	CreatedAt Time   `json:"created_at"`
	UpdatedAt Time   `json:"updated_at"`
	EndedAt   *Time  `json:"ended_at,omitempty"`
}

// Apply returns the recovery after one more event of its stream. Events of other
// aggregates change nothing.
func (o Recovery) Apply(mode string, e eventstore.Event, d codec.Named) Recovery {
	switch d := d.(type) {
	case recovery.Started:
		o = Recovery{
			ID: e.Stream, EndpointID: d.EndpointID, Status: recovery.StatusRunning,
			Since: Time(d.Since), Until: timeOf(d.Until), Mode: mode, CreatedAt: Time(e.At),
		}
	case recovery.Completed:
		o.Status, o.Examined, o.Resent, o.EndedAt = recovery.StatusCompleted, d.Examined, d.Resent, timeOf(e.At)
	case recovery.Stopped:
		o.Status, o.StopReason = recovery.StatusStopped, d.Reason
		o.Examined, o.Resent, o.EndedAt = d.Examined, d.Resent, timeOf(e.At)
	default:
		return o
	}
	o.Version, o.UpdatedAt = e.Version, Time(e.At)
	return o
}
