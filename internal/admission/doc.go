// Package admission bounds what all intakes of the process together may hold in memory for what strangers send.
//
// Two pools of bytes, shared by every receiver of the process, are handed out in order of arrival:
//
//   - Reception: bytes that have arrived and are not decoded yet. A sender that is slow while others wait for this pool
//     loses what it holds: see Hold.EvictWith.
//   - Decoding: what requests become when they are decoded, held until the pipeline has answered for them.
//
// A receiver reserves before it allocates, grows its Hold while it builds, and releases it when the pipeline has answered:
//
//	hold, err := pools.Decoding.Reserve(ctx, estimate)
//	if err != nil {
//		return refuse(err) // errors.As(err, **admission.Refusal): Reason for the counter, Retry for the sender
//	}
//	defer hold.Release()
//	...
//	if err := hold.Grow(64 << 10); err != nil { // before the decoder builds the next 64 KiB
//		return refuse(err)
//	}
//
// Waiting is bounded by max_wait and comes before refusing. What can never fit is refused at once, with ReasonPrice or
// ReasonSize and no Retry; what does not fit now, after max_wait, with ReasonBusy and a Retry.
//
// Connections are counted and priced too: Listener for a listener of one's own, Connections.Watch for an http.Server.
// Default is the process's one instance. It has sizes that follow GOMEMLIMIT when no extension configures it, so a
// receiver is bounded without the admission extension as well. Tests make their own with New.
package admission
