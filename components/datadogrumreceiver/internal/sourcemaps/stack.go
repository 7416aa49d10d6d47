package sourcemaps

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-sourcemap/sourcemap"
)

// Result is what became of a stack: the values of the metric's attribute result.
type Result uint8

// The results.
const (
	Untouched Result = iota // no script in it, or there is no directory
	Found                   // at least one frame was found
	Missing                 // no map for any of its scripts
	Bad                     // a map could not be read
	Results
)

func (r Result) String() string { return [...]string{"untouched", "found", "missing", "bad"}[r] }

// frame is a line of a stack, as Datadog's SDK writes it or as browsers do:
//
//	at pay @ https://shop.example/a.js:1:234
//	at pay (https://shop.example/a.js:1:234)
var frame = regexp.MustCompile(`^(\s*at\s+)(.*?)( @ |\s*\(|)(https?://[^\s()]+?):(\d{1,9}):(\d{1,9})(\)?\s*)$`)

// maxFrames bounds the frames of one stack that are looked up.
const maxFrames = 100

// Symbolicate returns the stack with the names and places of the sources. A
// frame without a map stays as it is.
func (s *Store) Symbolicate(service, version, stack string, now time.Time) (string, Result, error) {
	if s.cfg.Directory == "" || !strings.Contains(stack, "://") {
		return "", Untouched, nil
	}
	lines := strings.Split(stack, "\n")
	found, scripts := 0, 0
	var failed error
	caller := "" // what the frame below calls, in the source
	// From the outermost frame inwards: where a frame calls says what is called.
	for i := len(lines) - 1; i >= 0; i-- {
		parts := frame.FindStringSubmatch(lines[i])
		if parts == nil || scripts == maxFrames {
			caller = ""
			continue
		}
		scripts++
		consumer, err := s.find(service, version, parts[4], now)
		if err != nil {
			failed = err
		}
		source, name, line, column, ok := at(consumer, parts[5], parts[6])
		if !ok {
			caller = ""
			continue
		}
		found++
		function := parts[2]
		if caller != "" {
			function = caller
		}
		lines[i] = parts[1] + function + parts[3] + source + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column+1) + parts[7]
		caller = name
	}
	switch {
	case found > 0:
		return strings.Join(lines, "\n"), Found, failed
	case failed != nil:
		return "", Bad, failed
	case scripts > 0:
		return "", Missing, nil
	}
	return "", Untouched, nil
}

// at finds a place of a script in its source. Stacks count columns from 1, maps from 0.
func at(consumer *sourcemap.Consumer, line, column string) (source, name string, sourceLine, sourceColumn int, ok bool) {
	l, lineErr := strconv.Atoi(line)
	c, columnErr := strconv.Atoi(column)
	if consumer == nil || lineErr != nil || columnErr != nil {
		return "", "", 0, 0, false
	}
	return consumer.Source(l, max(c-1, 0))
}
