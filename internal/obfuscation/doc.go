// Package obfuscation replaces the literals in statements, commands, URLs and card numbers by `?`, as a Datadog Agent does: what a resource
// becomes here and there is equal byte for byte, because the same library does it.
//
// An Obfuscator is safe for concurrent use. What a text becomes depends on the text alone, not on what came before: the library learns
// from a text with a backslash in it how backslashes are meant, so such texts get an instance of their own.
//
// Libraries: github.com/DataDog/datadog-agent/pkg/obfuscate and the lexer it uses, github.com/DataDog/go-sqllexer.
package obfuscation
