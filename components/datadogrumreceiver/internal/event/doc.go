// Package event reads one line of what an SDK sends into one typed event: what
// it is, whose, when, which ids it names, and what of it may be kept.
package event
