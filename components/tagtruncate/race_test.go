//go:build race

package tagtruncate

const raceEnabled = true
