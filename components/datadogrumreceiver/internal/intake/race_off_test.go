//go:build !race

package intake

// bombBytes is what a decoded body may have by default.
const bombBytes = 10 << 20
