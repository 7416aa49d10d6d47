package datadogrumreceiver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

// lifetimes lists the starts and ends that reached the sink, with their seconds after the first view.
func (g *rig) lifetimes() (list []string) {
	for _, lr := range g.records() {
		if name, ok := strings.CutPrefix(lr.EventName(), "session."); ok {
			attrs := lr.Attributes().AsRaw()
			list = append(list, fmt.Sprint(name, " ", attrs["session.id"], " ", attrs["rum.view.id"], " ", (lr.Timestamp().AsTime().UnixMilli()-1795168790000)/1000))
		}
	}
	return list
}

// visit is a version of a view of session s1 that begins and lasts so many seconds.
func visit(view string, version, begins, lasts int, more string) string {
	return fmt.Sprintf(`{"type":"view","date":%d,"source":"browser","service":"shop","context":{"big":true},"application":{"id":%q},"session":{"id":"s1"%s},`+
		`"usr":{"id":"u1"},"view":{"id":%q,"url":"https://shop.example/","time_spent":%d},"_dd":{"document_version":%d}}`,
		1795168790000+begins*1000, appID, more, view, lasts*1_000_000_000, version)
}

func TestASessionStartsAndEndsOnce(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(joinLines(visit("v2", 1, 5, 1, ""), visit("v1", 1, 0, 5, "")))
	require.Empty(t, g.lifetimes())
	g.flush(time.Second)
	require.Equal(t, []string{"start s1 v2 0"}, g.lifetimes(), "it begins with the earliest view")
	start := g.recordNamed("session.start")
	require.Equal(t, event.ViewSpan(appID, "v2").Trace, start.TraceID(), "it is part of a view")
	require.Equal(t, "u1", start.Attributes().AsRaw()["user.id"])
	for _, ld := range g.logs.AllLogs() {
		require.Equal(t, 1, ld.ResourceLogs().Len())
		require.Equal(t, "shop", ld.ResourceLogs().At(0).Resource().Attributes().AsRaw()["service.name"])
	}

	g.flush(10 * time.Minute)
	g.post(visit("v2", 2, 5, 600, ""))
	g.flush(g.cfg.Sessions.Idle - time.Second)
	require.Len(t, g.lifetimes(), 1, "it was seen within the time")
	g.flush(time.Second)
	require.Equal(t, []string{"start s1 v2 0", "end s1 v2 605"}, g.lifetimes())
	require.Zero(t, g.sessions.Sizes().Sessions)

	g.post(visit("v2", 2, 5, 600, ""))
	g.post(visit("v2", 3, 5, 600, ""))
	g.flush(g.cfg.Sessions.Idle)
	require.Len(t, g.lifetimes(), 2, "what says nothing new of it does not end it again")
	g.post(visit("v3", 1, 700, 2, ""))
	g.flush(g.cfg.Sessions.Idle)
	require.Equal(t, []string{"start s1 v2 0", "end s1 v2 605", "end s1 v3 702"}, g.lifetimes(), "a view that was late moves the end and begins nothing")
}

func TestASessionThatItsSDKEndsIsOverSoon(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(visit("v1", 1, 0, 5, `,"is_active":false`))
	g.flush(29 * time.Second)
	require.Len(t, g.lifetimes(), 1)
	g.flush(time.Second)
	require.Equal(t, []string{"start s1 v1 0", "end s1 v1 5"}, g.lifetimes())
}

func TestAStopEndsSessionsThatAreNotInStorage(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(visit("v1", 1, 0, 5, ""))
	g.flushNow(session.All)
	require.Equal(t, []string{"start s1 v1 0", "end s1 v1 5"}, g.lifetimes())
}

func TestSessionsHaveACap(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Sessions.MaxHeld = 20 }).start(nil)
	var lines []string
	for i := range 50 {
		lines = append(lines, strings.NewReplacer(`"s1"`, fmt.Sprintf(`"s%02d"`, i), `"v1"`, fmt.Sprintf(`"v%02d"`, i)).Replace(visit("v1", 1, 0, 1, "")))
	}
	require.Equal(t, http.StatusAccepted, g.post(joinLines(lines...)).code)
	require.Equal(t, 20, g.sessions.Sizes().Sessions)
	require.EqualValues(t, 30, g.count(t, "evictions", "item", "session"), "what was forgotten is counted")
	g.flush(time.Second)
	require.Equal(t, 18, g.sessions.Sizes().Sessions, "from nine tenths on the longest unseen end early")
	require.Len(t, g.lifetimes(), 22)
	require.Equal(t, []string{"start s30 v30 0", "end s30 v30 1"}, g.lifetimes()[:2])
	require.EqualValues(t, 32, g.count(t, "evictions", "item", "session"))
}

func TestSessionsSurviveACrashAndAStop(t *testing.T) {
	d := journaltest.NewDisk()
	g := storedRig(t, d, nil)
	require.Equal(t, http.StatusAccepted, g.post(visit("v1", 1, 0, 5, "")).code)
	d = d.Crash()
	g = storedRig(t, d, nil) // right after the 202
	g.flush(time.Second)
	require.Equal(t, []string{"start s1 v1 0"}, g.lifetimes())

	require.NoError(t, g.rum.Shutdown(t.Context()))
	require.Len(t, g.lifetimes(), 1, "it goes on in the next run")
	g = storedRig(t, d, nil)
	g.flush(g.cfg.Sessions.Idle)
	require.Equal(t, []string{"end s1 v1 5"}, g.lifetimes())
	require.NoError(t, g.rum.Shutdown(t.Context()))

	g = storedRig(t, d, nil)
	g.post(visit("v1", 2, 0, 6, ""))
	g.flush(g.cfg.Sessions.Idle)
	require.Equal(t, []string{"end s1 v1 6"}, g.lifetimes(), "it does not begin again")
}

func TestASessionSaysOfItsAppWhatAViewSays(t *testing.T) {
	g := newRig(t, nil).start(nil)
	update := `{"type":"view_update","date":1795168790000,"application":{"id":"a"},"session":{"id":"s1"},"view":{"id":"v1"},"_dd":{"document_version":2}}`
	g.post(joinLines(update, strings.Replace(visit("v1", 1, 0, 5, ""), appID, "a", 1)))
	g.flush(time.Second)
	require.Equal(t, "shop", g.logs.AllLogs()[len(g.logs.AllLogs())-1].ResourceLogs().At(0).Resource().Attributes().AsRaw()["service.name"])
}
