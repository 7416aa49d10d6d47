//go:build race

package event

// The race detector allocates on its own account.
const raceDetector = true
