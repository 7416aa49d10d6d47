// Package entry turns log records into entries of Datadog's log intake, and groups them into requests that the intake takes.
//
// Every record is looked at on its own: what one says about its service or host never reaches the next.
package entry
