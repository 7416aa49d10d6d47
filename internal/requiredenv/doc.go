// Package requiredenv is the confmap provider behind ${required:NAME}: an
// environment variable that must be set.
//
// ${env:NAME} of an unset variable is an empty string, and the collector then
// starts and is refused by its backend for hours. ${required:NAME} stops the
// start with a sentence that names the variable and what belongs in it. No
// error, log or printed configuration of this package ever holds a value.
package requiredenv
