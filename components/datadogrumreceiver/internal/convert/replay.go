package convert

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// placeholders are what a replay URL may hold.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// ValidReplayURL reports what is wrong with a template of a URL; "" is right.
func ValidReplayURL(template string) error {
	if template == "" {
		return nil
	}
	plain := placeholder.ReplaceAllStringFunc(template, func(name string) string {
		switch name {
		case "{session.id}", "{application.id}", "{view.id}", "{time}":
			return "x"
		}
		return name
	})
	u, err := url.Parse(plain)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(plain, "{}") {
		return fmt.Errorf("session_replay_url must be a URL with {session.id}, {application.id}, {view.id}, {time}, got %q", template)
	}
	return nil
}

// replay returns where the user's screen can be seen at the time of e, "" when it was not recorded.
func (w *Writer) replay(e *event.Event) string {
	has := e.Doc.At("session", "has_replay")
	if w.replayURL == "" || has < 0 || e.Doc.Kind(has) != event.True {
		return ""
	}
	return strings.NewReplacer(
		"{session.id}", url.PathEscape(e.Session), "{application.id}", url.PathEscape(e.App), "{view.id}", url.PathEscape(e.View),
		"{time}", fmt.Sprint(e.Start.AsTime().UnixMilli()),
	).Replace(w.replayURL)
}
