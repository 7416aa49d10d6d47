//go:build race

package ddcontext

const raceEnabled = true
