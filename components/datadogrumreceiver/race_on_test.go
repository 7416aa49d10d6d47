//go:build race

package datadogrumreceiver

// The race detector allocates on its own account.
const raceDetector = true
