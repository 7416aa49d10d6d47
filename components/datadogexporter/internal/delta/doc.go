// Package delta turns cumulative sums and histograms into what happened since the point before.
//
// It stands before the queue: a queued batch that is sent again, in another order or after a restart, is still what it was. A batch
// is converted first (Convert) and its points are remembered once the queue has taken it (Commit), so that a batch that was refused
// and comes again gives the same differences at the same times, which Datadog counts once.
package delta
