package translate

import "github.com/otelcol-obs/otelcol-obs/internal/translate/intern"

// Process is what spans say that is the same for their whole process.
type Process struct {
	RuntimeID, Language, Tags, Hostname intern.Sym
	PID                                 int64
}

// Take takes what a tag says about the process and reports whether it is said: not when the name means something else, nor when an
// earlier span said otherwise. Then the tag stays with its span.
func (p *Process) Take(key, value intern.Sym) bool {
	var field *intern.Sym
	switch key {
	case kRuntimeID:
		field = &p.RuntimeID
	case kLanguage:
		field = &p.Language
	case kProcessTags:
		field = &p.Tags
	case kHostname:
		field = &p.Hostname
	default:
		return false
	}
	if *field == intern.Empty {
		*field = value
	}
	return *field == value
}
