//go:build race

package ddpropagation

// The race detector allocates on its own.
const raceEnabled = true
