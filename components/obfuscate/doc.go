//go:generate mdatagen metadata.yaml

// Package obfuscate hides literals before anything is written to disk or sent on: in SQL and other statements, commands, URLs and card numbers,
// as a Datadog Agent does by default, whatever backend the data goes to.
//
// A text that cannot be read is replaced as a whole, never passed on raw. Nothing else about a span, record or data point changes, unless a rule of
// the user's asks for it. Every text looked at is counted by what became of it.
package obfuscate
