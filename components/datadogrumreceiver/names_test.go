package datadogrumreceiver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/convert"
)

// A backend that counts attributes cuts off what comes last.
func TestWhatHasANameComesFirst(t *testing.T) {
	const own = `"context":{"cart":1,"url.full":"mine"},"feature_flags":{"new_ui":true},"_dd":{`
	line := strings.Replace(fetchLine, `"_dd":{`, own, 1)
	for mode, raw := range map[convert.RawMode]int{convert.RawKeep: 6, convert.RawMinimal: 5, convert.RawDrop: 0} {
		g := newRig(t, func(cfg *Config) { cfg.Raw = mode }).start(nil)
		g.post(joinLines(clickLine, line))
		attrs := g.spans()[0].Attributes()
		var keys []string
		attrs.Range(func(key string, _ pcommon.Value) bool { keys = append(keys, key); return true })
		first := len(keys)
		for i, key := range keys {
			if strings.HasPrefix(key, "datadog.") {
				first = min(first, i)
			} else {
				require.Less(t, i, first, "%s: %s comes behind what has no name", mode, key)
			}
		}
		if mode == convert.RawKeep {
			require.GreaterOrEqual(t, len(keys)-first, raw)
		} else {
			require.Equal(t, raw, len(keys)-first, keys)
		}
		for _, key := range []string{"session.id", "url.full", "server.address", "http.response.status_code", "rum.action.id", "rum.action.link"} {
			_, ok := attrs.Get(key)
			require.True(t, ok, "%s: %s", mode, key)
		}
	}
}

func TestTheBrowserAndItsSystemAreOnEveryResource(t *testing.T) {
	g := newRig(t, nil).start(nil)
	const ua = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36"
	g.send("POST", "/rum", joinLines(clickLine, fetchLine), "User-Agent", ua, "Sec-CH-UA-Platform", `"Windows"`)
	g.flush(0)
	for _, td := range g.traces.AllTraces() {
		attrs := td.ResourceSpans().At(0).Resource().Attributes().AsRaw()
		for key, want := range map[string]any{
			"user_agent.original": ua, "user_agent.name": "Chrome", "user_agent.version": "148.0.0.0", "browser.platform": "Windows", "browser.mobile": false,
			"os.name": "Windows", "os.type": "windows", "os.version": "10.0",
		} {
			require.Equal(t, want, attrs[key], key)
		}
	}
	require.Len(t, g.traces.AllTraces(), 2)

	// An app says itself what it runs on.
	g = newRig(t, nil).start(nil)
	g.send("POST", "/rum", strings.Replace(fetchLine, `"source":"browser"`, `"source":"ios","os":{"name":"iOS","version":"18.5"}`, 1), "User-Agent", "Shop/4.2 CFNetwork (iPhone; iOS/17)")
	attrs := g.traces.AllTraces()[0].ResourceSpans().At(0).Resource().Attributes().AsRaw()
	require.Equal(t, "Shop/4.2 CFNetwork (iPhone; iOS/17)", attrs["user_agent.original"])
	require.Equal(t, "18.5", attrs["os.version"])
	require.NotContains(t, attrs, "user_agent.name")
}

func TestTheReplayOfARecordedSessionIsNamed(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		cfg.SessionReplayURL = "https://app.example/rum/{application.id}/{session.id}?v={view.id}&ts={time}"
	}).start(nil)
	recorded := func(line string) string {
		return strings.Replace(line, `"session":{"id":"s1"`, `"session":{"id":"s/1","has_replay":true`, 1)
	}
	g.post(joinLines(recorded(act("a1", "click", "Pay", 0)), act("a2", "click", "Pay", 5), recorded(page(1, ""))))
	g.flush(g.cfg.Views.Idle)
	urls := map[string]string{}
	for _, span := range g.spans() {
		id, _ := span.Attributes().Get("rum.action.id")
		replay, _ := span.Attributes().Get("session.replay.url")
		urls[span.Name()+id.Str()] = replay.Str()
	}
	want := "https://app.example/rum/" + appID + "/s%2F1?v=v1&ts=1795168790000"
	require.Equal(t, map[string]string{"click Paya1": want, "click Paya2": "", "browser.document_load": want}, urls)
}
