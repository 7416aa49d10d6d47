// Package session knows what is held: actions until their traces come, views
// until their last version, what lately happened in each session, and what was
// already converted. It is safe for concurrent use, and answers with what
// changed; who calls it counts and hands on.
package session
