//go:build !race

package datadogrumreceiver

const raceDetector = false
