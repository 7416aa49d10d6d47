// Package lifetime knows which sessions began, which are over, and what is to be said of either.
package lifetime
