//go:build !race

package tagtruncate

const raceEnabled = false
