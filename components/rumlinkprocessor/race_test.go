//go:build race

package rumlinkprocessor

const raceEnabled = true
