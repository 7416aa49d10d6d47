//go:build !race

package ddpropagation

const raceEnabled = false
