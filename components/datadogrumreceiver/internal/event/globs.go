package event

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"
)

// Globs is a list of patterns; a text matches when one of them does.
type Globs []glob.Glob

// CompileGlobs reads patterns; with lower, they are for texts in lower case.
func CompileGlobs(patterns []string, lower bool) (Globs, error) {
	list := make(Globs, 0, len(patterns))
	for _, pattern := range patterns {
		if lower {
			pattern = strings.ToLower(pattern)
		}
		g, err := glob.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("got %q: %w", pattern, err)
		}
		list = append(list, g)
	}
	return list, nil
}

// Match reports whether one of the patterns matches s.
func (g Globs) Match(s string) bool {
	for _, one := range g {
		if one.Match(s) {
			return true
		}
	}
	return false
}
