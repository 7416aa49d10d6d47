package entry

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func maker() *Maker {
	return &Maker{Host: "collector", Tags: []string{"team:a"}, Clamp: true, Now: func() time.Time { return now }}
}

// testdata/<case>/in.yaml are records, out.json the entries made of them. With -update out.json is rewritten.
func TestCases(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, in := range dirs {
		dir := filepath.Dir(in)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			var list []json.RawMessage
			for _, p := range maker().Batch(goldentest.Logs(t, in)).Parts {
				for _, e := range p.entries {
					list = append(list, e)
				}
			}
			got, err := json.MarshalIndent(list, "", "  ")
			require.NoError(t, err)
			golden := filepath.Join(dir, "out.json")
			if goldentest.Updating() {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got)+"\n")
		})
	}
}

func oneRecord() (plog.Logs, plog.LogRecord) {
	ld := plog.NewLogs()
	return ld, ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
}

func entries(t *testing.T, res Result) (list []map[string]any) {
	t.Helper()
	for _, p := range res.Parts {
		var part []map[string]any
		require.NoError(t, json.Unmarshal(p.Body(), &part))
		list = append(list, part...)
	}
	return list
}

func TestAnEntryThatIsTooLargeLosesTheEndOfItsLargestText(t *testing.T) {
	t.Parallel()
	ld, r := oneRecord()
	r.Body().SetStr("short")
	r.Attributes().PutStr("stack", strings.Repeat("é", 1_000_000))
	r.Attributes().PutStr("other", "kept")
	res := maker().Batch(ld)
	require.Equal(t, 1, res.Truncated)
	e := entries(t, res)[0]
	require.Equal(t, true, e["datadog.truncated"])
	require.Equal(t, "short", e["message"])
	require.Equal(t, "kept", e["other"])
	require.NotContains(t, e["stack"], "\uFFFD")
	require.LessOrEqual(t, len(res.Parts[0].entries[0]), maxEntry)
}

func TestAnEntryOfTooManyAttributesKeepsWhatDatadogNeeds(t *testing.T) {
	t.Parallel()
	ld, r := oneRecord()
	r.Body().SetStr("m")
	many := make(map[string]any, 100_000)
	for i := range 100_000 {
		many[fmt.Sprint("key", i)] = "0123456789"
	}
	require.NoError(t, r.Attributes().FromRaw(many))
	res := maker().Batch(ld)
	require.Equal(t, 1, res.Truncated)
	e := entries(t, res)[0]
	require.Equal(t, "m", e["message"])
	require.Equal(t, true, e["datadog.truncated"])
}

func TestRequestsHoldAtMostAThousandEntriesAndFiveMegabytes(t *testing.T) {
	t.Parallel()
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range 2500 {
		size := 10
		if i%10 == 0 {
			size = 50_000
		}
		records.AppendEmpty().Body().SetStr(strings.Repeat("x", size))
	}
	total := 0
	for _, p := range maker().Batch(ld).Parts {
		require.LessOrEqual(t, len(p.entries), MaxEntries)
		require.LessOrEqual(t, len(p.Body()), MaxBytes)
		total += len(p.entries)
		require.Equal(t, len(p.entries), Pick(ld, p.Refs()).LogRecordCount())
	}
	require.Equal(t, 2500, total)
}

func TestWhatOneRecordSaysDoesNotReachTheNext(t *testing.T) {
	t.Parallel()
	ld, r := oneRecord()
	r.Attributes().PutStr("service.name", "cart")
	r.Attributes().PutStr("host.name", "h7")
	ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty().Body().SetStr("second")
	second := entries(t, maker().Batch(ld))[1]
	require.NotContains(t, second, "service")
	require.Equal(t, "collector", second["hostname"])
}

func TestAnOldEntryGetsThePresentTimeAndKeepsItsOwn(t *testing.T) {
	t.Parallel()
	ld, r := oneRecord()
	r.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(-72 * time.Hour)))
	res := maker().Batch(ld)
	require.Equal(t, 1, res.Late)
	e := entries(t, res)[0]
	require.EqualValues(t, now.UnixMilli(), e["timestamp"])
	require.Equal(t, fmt.Sprint(now.Add(-72*time.Hour).UnixNano()), e["otel.timestamp"])
	m := maker()
	m.Clamp = false
	require.EqualValues(t, now.Add(-72*time.Hour).UnixMilli(), entries(t, m.Batch(ld))[0]["timestamp"])
}

func TestEveryValueBecomesJSON(t *testing.T) {
	t.Parallel()
	ld, r := oneRecord()
	r.Body().SetStr("bad \xff \u2028 \" \x00")
	a := r.Attributes()
	a.PutDouble("nan", math.NaN())
	a.PutDouble("inf", math.Inf(1))
	a.PutEmptyBytes("bytes").FromRaw([]byte{1, 0xff})
	list := a.PutEmptySlice("list")
	list.AppendEmpty().SetDouble(math.Inf(-1))
	list.AppendEmpty().SetEmptyMap().PutStr("x", "y")
	deep := a.PutEmptyMap("deep")
	for range 200 {
		deep = deep.PutEmptyMap("d")
	}
	require.Len(t, entries(t, maker().Batch(ld)), 1)
}

func FuzzEveryRecordBecomesAnEntry(f *testing.F) {
	f.Add("message", "status", "error", "a.b", "x", int64(5))
	f.Add("", "timestamp", "\xff", "a", "a.b.c", int64(-1))
	f.Fuzz(func(t *testing.T, body, k1, v1, k2, v2 string, n int64) {
		ld, r := oneRecord()
		r.Body().SetStr(body)
		r.Attributes().PutStr(k1, v1)
		r.Attributes().PutStr(k2, v2)
		r.Attributes().PutInt(k1+"."+k2, n)
		r.SetSeverityNumber(plog.SeverityNumber(n))
		r.SetTimestamp(pcommon.Timestamp(n))
		require.Len(t, entries(t, maker().Batch(ld)), 1)
	})
}
