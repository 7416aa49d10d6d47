package pieces

import (
	"slices"
	"strings"
)

// traces tells which lines go on with a stack trace.
type traces struct{ java, python, golang, node, dotnet bool }

func newTraces(languages []string) traces {
	has := func(l string) bool { return slices.Contains(languages, l) }
	return traces{java: has("java"), python: has("python"), golang: has("go"), node: has("node"), dotnet: has("dotnet")}
}

func (t traces) any() bool { return t != traces{} }

// mayBegin reports whether lines of a trace may follow line.
func (t traces) mayBegin(line string) bool { return line != "" && line[0] != '{' }

// traceSoFar is what the lines held say about those that may follow.
type traceSoFar struct {
	begun                bool
	panics               bool // Go's panic is the first line
	goroutine, traceback bool // a line that only a trace has
	indented             bool // the last line is
}

func (t *traceSoFar) add(line string) {
	t.panics = t.panics || !t.begun && strings.HasPrefix(line, "panic: ")
	t.begun = true
	t.goroutine = t.goroutine || isGoroutine(line)
	t.traceback = t.traceback || line == pythonTraceback
	t.indented = line != "" && (line[0] == ' ' || line[0] == '\t')
}

// follows reports whether line goes on with what is held.
func (t traces) follows(held traceSoFar, line string) bool {
	if line == "" {
		// Go has empty lines between goroutines.
		return t.golang && (held.panics || held.goroutine)
	}
	switch line[0] {
	case '{':
		return false
	case ' ', '\t':
		return true
	}
	switch {
	case t.java && (strings.HasPrefix(line, "Caused by:") || strings.HasPrefix(line, "Suppressed:") || strings.HasPrefix(line, "... ") && strings.HasSuffix(line, " more")),
		t.dotnet && (strings.HasPrefix(line, "--- End of ") || strings.HasPrefix(line, "---> ")),
		t.golang && isGoroutine(line),
		t.golang && held.goroutine && isGoFrame(line),
		t.python && isPython(held, line),
		t.node && held.indented && line == "}":
		return true
	}
	return false
}

func isGoroutine(line string) bool {
	return strings.HasPrefix(line, "goroutine ") && strings.Contains(line, " [") && strings.HasSuffix(line, ":")
}

// isGoFrame reports whether line is a function; its file is on an indented line.
func isGoFrame(line string) bool {
	return strings.HasPrefix(line, "created by ") || strings.HasSuffix(line, ")") && !strings.Contains(line, " ") || strings.HasPrefix(line, "exit status ")
}

const pythonTraceback = "Traceback (most recent call last):"

// isPython takes a traceback, the error behind its indented lines, and the sentences that join one to the next.
func isPython(held traceSoFar, line string) bool {
	return line == pythonTraceback || held.indented && held.traceback ||
		held.traceback && (strings.HasPrefix(line, "During handling of the above exception") || strings.HasPrefix(line, "The above exception was the direct cause"))
}
