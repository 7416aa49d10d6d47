package agent

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

func TestBrowsersSayWhoTheyAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		header http.Header
		want   event.Agent
	}{
		{"Chrome on Windows, with hints", http.Header{
			"User-Agent": {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36"},
			"Sec-Ch-Ua":  {`"Chromium";v="148", "Google Chrome";v="148", "Not;A=Brand";v="24"`}, "Sec-Ch-Ua-Platform": {`"Windows"`}, "Sec-Ch-Ua-Mobile": {"?0"},
		}, event.Agent{
			Name: "Chrome", Version: "148.0.0.0", Platform: "Windows", Brands: []string{"Chromium 148", "Google Chrome 148", "Not;A=Brand 24"},
			OS: event.OS{Name: "Windows", Version: "10.0", Type: "windows"},
		}},
		{"Safari on an iPhone", http.Header{
			"User-Agent": {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"},
		}, event.Agent{
			Name: "Safari", Version: "18.5", Platform: "iOS", Mobile: true, Device: "iPhone", OS: event.OS{Name: "iOS", Version: "18.5", Type: "darwin"},
		}},
		{"Firefox on Linux", http.Header{
			"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0"},
		}, event.Agent{Name: "Firefox", Version: "147.0", Platform: "Linux", OS: event.OS{Name: "Linux", Type: "linux"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.want.Original = c.header.Get("User-Agent")
			r := NewReader()
			got := r.Read(c.header, time.Unix(1, 0))
			require.Equal(t, &c.want, got)
			require.Same(t, got, r.Read(c.header.Clone(), time.Unix(2, 0)), "it is read once")
		})
	}
	require.Nil(t, NewReader().Read(http.Header{}, time.Unix(1, 0)))
}

func FuzzHeaders(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64) Chrome/148.0.0.0", `"Chromium";v="148"`, `"Linux"`)
	f.Add(strings.Repeat("a(", 1000), `"`, "\xff")
	f.Fuzz(func(t *testing.T, ua, brands, platform string) {
		a := NewReader().Read(http.Header{"User-Agent": {ua}, "Sec-Ch-Ua": {brands}, "Sec-Ch-Ua-Platform": {platform}}, time.Unix(1, 0))
		if a == nil {
			return
		}
		require.LessOrEqual(t, len(a.Original), maxBytes)
		for _, text := range append(a.Brands, a.Original, a.Name, a.Version, a.Platform, a.Device, a.OS.Name, a.OS.Version) {
			require.True(t, utf8.ValidString(text), text)
		}
	})
}
