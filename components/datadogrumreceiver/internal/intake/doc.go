// Package intake is the HTTP side: which track a request is of, who may send
// and how much, what its body says once it is decoded, and what of it is handed
// on to Datadog.
package intake
