// Package infer finds by time what an SDK does not link: the action that began
// a request, and the request whose answer an action is the effect of.
package infer
