// Package boxshare tells whether attribute maps may share the values they repeat. A value of pdata is a box of its own on the heap,
// and spans repeat most of theirs.
//
// Sharing is safe because scalar boxes are never written to: whatever pdata does to a value, it puts a new box in place of the old.
// Package boxsharetest goes through all that a processor can do, for the tests of whoever shares.
package boxshare

import "go.opentelemetry.io/collector/featuregate"

// PoolingGate makes pdata empty and reuse the boxes it deleted.
const PoolingGate = "pdata.useProtoPooling"

// Safe tells whether the gate is known and off: should pdata pool for good and drop the gate, sharers become slower, not wrong.
func Safe() (safe bool) {
	featuregate.GlobalRegistry().VisitAll(func(g *featuregate.Gate) {
		if g.ID() == PoolingGate {
			safe = !g.IsEnabled()
		}
	})
	return safe
}
