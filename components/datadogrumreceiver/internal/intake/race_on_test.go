//go:build race

package intake

// bombBytes is a tenth: the race detector makes reading them tens of times slower.
const bombBytes = 1 << 20
