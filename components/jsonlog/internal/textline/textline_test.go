package textline

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// form is a line with a level in the place of %; words are what stands there for debug, info, warning, error and fatal.
type form struct {
	line  string
	words [5]string
}

var (
	capitals = [5]string{"DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
	python   = [5]string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
	small    = [5]string{"debug", "info", "warn", "error", "fatal"}
	want     = [5]plog.SeverityNumber{plog.SeverityNumberDebug, plog.SeverityNumberInfo, plog.SeverityNumberWarn, plog.SeverityNumberError, plog.SeverityNumberFatal}
)

var forms = map[string]form{
	"python basicConfig":   {"%:shop.orders:stock low", python},
	"python with brackets": {"2026-11-27 15:13:45,260 % [notes] [app.py:1741] [dd.service=notes dd.trace_id=3e9 dd.span_id=2001] - Exception on /notes [DELETE]", python},
	"python with dashes":   {"2026-11-27 15:13:45,260 - shop.orders - % - stock low", python},
	"uvicorn":              {"%:     127.0.0.1:4711 - \"GET / HTTP/1.1\" 200 OK", python},
	"spring":               {"2026-11-27T15:13:45.260Z  % 1234 --- [main] shop.Orders : stock low", capitals},
	"logback":              {"15:13:45.260 [main] % shop.Orders - stock low", capitals},
	"log4j":                {"2026-11-27 15:13:45,260 %  [http-1] shop.Orders - stock low", capitals},
	"monolog":              {"[2026-11-27T15:13:45.260000+01:00] app.%: stock low {\"sku\":7} []", python},
	"dotnet":               {"%: Shop.Orders[0]", [5]string{"dbug", "info", "warn", "fail", "crit"}},
	"ruby":                 {"%, [2026-11-27T15:13:45.260000 #7]  -- : stock low", [5]string{"D", "I", "W", "E", "F"}},
	"klog":                 {"%1127 15:13:45.260000       7 orders.go:7] stock low", [5]string{"", "I", "W", "E", "F"}},
	"slog text":            {"time=2026-11-27T15:13:45.260Z level=% msg=\"stock low\" sku=7", [5]string{"DEBUG", "INFO", "WARN", "ERROR", "FATAL"}},
	"logrus":               {"time=\"2026-11-27T15:13:45Z\" level=% msg=\"stock low\"", small},
	"logrus on a terminal": {"%[0007] stock low", capitals},
	"zap console":          {"2026-11-27T15:13:45.260Z\t%\tshop/orders.go:7\tstock low", capitals},
	"zap console, small":   {"2026-11-27T15:13:45.260Z\t%\tshop/orders.go:7\tstock low", small},
	"serilog":              {"[15:13:45 %] stock low", [5]string{"DBG", "INF", "WRN", "ERR", "FTL"}},
	"nginx":                {"2026/11/27 15:13:45 [%] 7#7: *1 stock low", [5]string{"debug", "info", "warn", "error", "crit"}},
	"apache":               {"[Fri Nov 27 15:13:45.260000 2026] [core:%] [pid 7:tid 8] stock low", [5]string{"debug", "info", "warn", "error", "crit"}},
	"postgresql":           {"2026-11-27 15:13:45.260 UTC [7] %:  stock low", [5]string{"DEBUG1", "LOG", "WARNING", "ERROR", "FATAL"}},
	"postgresql with user": {"2026-11-27 15:13:45.260 UTC [7] shop@orders %:  stock low", [5]string{"DEBUG5", "INFO", "WARNING", "ERROR", "FATAL"}},
	"syslog":               {"<%>Nov 27 15:13:45 host shop[7]: stock low", [5]string{"15", "14", "12", "11", "10"}},
	"nlog":                 {"2026-11-27 15:13:45.2600|%|Shop.Orders|stock low", capitals},
	"env_logger":           {"[2026-11-27T15:13:45Z %  shop] stock low", capitals},
	"tracing":              {"2026-11-27T15:13:45.260000Z  % shop::orders: stock low", capitals},
	"elixir":               {"15:13:45.260 [%] stock low", [5]string{"debug", "info", "warning", "error", "critical"}},
	"mysql":                {"2026-11-27T15:13:45.260000Z 0 [%] [MY-010116] stock low", [5]string{"Debug", "Information", "Warning", "ERROR", "Critical"}},
	"maven":                {"[%] stock low", capitals},
	"coloured":             {"\x1b[2m2026-11-27T15:13:45.260000Z\x1b[0m \x1b[32m %\x1b[0m \x1b[2mshop\x1b[0m: stock low", capitals},
	"coloured at once":     {"\x1b[31m%\x1b[0m:shop.orders:stock low", python},
}

func TestEveryFormSaysItsLevel(t *testing.T) {
	for name, f := range forms {
		for i, word := range f.words {
			if word == "" {
				continue
			}
			line := strings.Replace(f.line, "%", word, 1)
			got := Read(line)
			require.Equal(t, want[i], got.Severity, "%s: %s", name, line)
			if name != "syslog" {
				require.Equal(t, word, got.Text, "%s: %s", name, line)
			}
		}
	}
}

func TestALevelInAnotherPlaceSaysNothing(t *testing.T) {
	for _, line := range []string{
		"", " ", "no ERROR today", "ERROR today", "Error: no stock", "error: no stock", "info", "INFO", "INFO:", "info: no brackets here",
		"GET /error/500 HTTP/1.1", "the level=error of the river", "connect failed level=error", "2026-11-27 15:13:45 no ERROR today",
		"2026-11-27 15:13:45 error rate is low", "2026-11-27 15:13:45 [main] error rate", "[error rate] is low", "[2026] ERROR budget",
		"WARNINGS:a:b", "I am fine", "E, F and G", "I1127 is a road", "F1234 12:00", "127.0.0.1 - - [27/Nov/2026:15:13:45 +0000] \"GET /ERROR HTTP/1.1\" 200",
		"<b>bold</b> ERROR", "<999>text", "<>", "key=value ERROR", "msg=\"level=error\" level=fine", "15:13:45", "15:13:45 ", "[15:13:45", "[15:13:45]",
		"2026-13-27 15:13:45 ERROR x", "SELECT 1 -- ERROR: x", "{\"level\":\"error\"}", "\x1b[", "\x1b[31m", "2026-11-27 15:13:45 - a b - ERROR - x",
		"INFO[abc] text", "warn[0007] text", "-- ERROR --", "\tERROR\tx", "|ERROR|x",
	} {
		require.Zero(t, Read(line).Severity, "%q", line)
	}
}

func TestATimeCountsWithAnOffsetOnly(t *testing.T) {
	at := time.Date(2026, 11, 27, 15, 13, 45, 260000000, time.UTC)
	for line, want := range map[string]time.Time{
		"2026-11-27T15:13:45.260Z INFO x":                    at,
		"2026-11-27T16:13:45.26+01:00 x":                     at,
		"2026-11-27 10:13:45,260 -0500 [error] x":            at,
		"[2026-11-27T16:13:45.260000+01:00] app.ERROR: x":    at,
		"time=2026-11-27T15:13:45.260Z level=INFO msg=x":     at,
		"time=\"2026-11-27T15:13:45.260Z\" level=info msg=x": at,
		"2026-11-27T15:13:45.260999999Z x":                   at.Add(999999),
		"2026-11-27 15:13:45,260 INFO x":                     {},
		"2026-11-27 15:13:45.260 UTC [7] LOG:  x":            {},
		"15:13:45.260Z x":                                    {},
		"2026-11-27T15:13:45.260+99:00 x":                    {},
		"2026-11-27T15:13:45.Z x":                            {},
		"msg=\"time=2026-11-27T15:13:45Z\" x=y":              {},
		"at 2026-11-27T15:13:45Z":                            {},
	} {
		require.Equal(t, want, Read(line).Time, line)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	lines := []string{"GET /cart 200 12ms", "[x"}
	for _, f := range forms {
		if !strings.HasPrefix(f.line, "\x1b") {
			lines = append(lines, strings.Replace(f.line, "%", f.words[3], 1))
		}
	}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		for _, line := range lines {
			Read(line)
		}
	}))
}

func FuzzRead(f *testing.F) {
	for _, form := range forms {
		f.Add(strings.Replace(form.line, "%", form.words[3], 1))
	}
	f.Fuzz(func(t *testing.T, line string) {
		if got := Read(line); got.Severity < 0 || got.Severity > plog.SeverityNumberFatal4 {
			t.Fatal(got)
		}
	})
}
