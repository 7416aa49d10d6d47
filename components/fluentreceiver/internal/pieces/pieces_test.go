package pieces

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// shelf is a store whose synced part survives.
type shelf struct {
	next   uint64
	noted  map[uint64][]byte
	synced map[uint64][]byte
	err    error
}

func newShelf() *shelf { return &shelf{noted: map[uint64][]byte{}, synced: map[uint64][]byte{}} }

func (s *shelf) Number() uint64                    { s.next++; return s.next }
func (s *shelf) Set(n uint64, value func() []byte) { s.noted[n] = value() }
func (s *shelf) Remove(n uint64)                   { delete(s.noted, n) }
func (s *shelf) Sync(context.Context) error {
	if s.err == nil {
		s.synced = maps.Clone(s.noted)
	}
	return s.err
}

var t0 = time.Unix(1000, 0)

// logs are records of one container: each is attributes and, under log, the line.
func logs(records ...map[string]any) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("container.id", "c1")
	sl := rl.ScopeLogs().AppendEmpty()
	for _, r := range records {
		lr := sl.LogRecords().AppendEmpty()
		lr.Body().SetStr(r["log"].(string))
		delete(r, "log")
		_ = lr.Attributes().FromRaw(r)
	}
	return ld
}

func bodies(ld plog.Logs) (out []string) {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				out = append(out, lr.Body().Str())
			}
		}
	}
	return out
}

func dockerRecord(id string, ordinal int, last bool, text string) map[string]any {
	return map[string]any{"log": text, "partial_message": "true", "partial_id": id, "partial_ordinal": fmt.Sprint(ordinal), "partial_last": fmt.Sprint(last)}
}

// send is what the receiver does with a message that the pipeline takes.
func send(t *testing.T, j *Joiner, ld plog.Logs, now time.Time) []string {
	t.Helper()
	tx := j.Take(ld, now)
	require.NoError(t, tx.Hold(t.Context()))
	tx.Commit()
	return bodies(ld)
}

func TestDockersPiecesAreJoinedWhateverTheirOrder(t *testing.T) {
	s := newShelf()
	j := New(Options{Lines: true}, s)
	require.Empty(t, send(t, j, logs(dockerRecord("a", 2, false, "B")), t0))
	require.Empty(t, send(t, j, logs(dockerRecord("a", 3, true, "C"), dockerRecord("b", 1, false, "x")), t0))
	require.Len(t, s.synced, 3, "what is acknowledged is stored")
	require.Empty(t, send(t, j, logs(dockerRecord("a", 2, false, "B")), t0), "sent again: the acknowledgement was lost")
	ld := logs(dockerRecord("a", 1, false, "A"), map[string]any{"log": "other"})
	require.Equal(t, []string{"other", "ABC"}, send(t, j, ld, t0))
	attrs := ld.ResourceLogs().At(1).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw()
	require.Equal(t, map[string]any{"fluent.partial.count": int64(3)}, attrs)
	require.Len(t, s.noted, 1)
	out, tx := j.Expired(t0.Add(LineAge), false)
	require.Equal(t, []string{"x"}, bodies(out))
	v, _ := record(out).Attributes().Get("fluent.partial")
	require.Equal(t, "incomplete", v.Str())
	tx.Commit()
	require.Empty(t, s.noted)
	lines, bytes := j.Held()
	require.Zero(t, lines)
	require.Zero(t, bytes)
}

func TestPiecesWithoutAnIDEndWithTheNextRecordOfTheStream(t *testing.T) {
	j := New(Options{Lines: true}, newShelf())
	old := func(s string) map[string]any {
		return map[string]any{"log": s, "partial_message": "true", "log.iostream": "stdout"}
	}
	require.Empty(t, send(t, j, logs(old("A")), t0))
	require.Equal(t, []string{"err"}, send(t, j, logs(map[string]any{"log": "err", "log.iostream": "stderr"}), t0))
	require.Equal(t, []string{"ABC"}, send(t, j, logs(old("B"), map[string]any{"log": "C", "log.iostream": "stdout"}), t0))
	require.Equal(t, []string{"D"}, send(t, j, logs(map[string]any{"log": "D", "log.iostream": "stdout"}), t0))
}

func TestCRIsPiecesAreJoinedByStream(t *testing.T) {
	j := New(Options{Lines: true}, newShelf())
	line := func(stream, tag, s string) map[string]any {
		return map[string]any{"log": s, "logtag": tag, "log.iostream": stream}
	}
	require.Equal(t, []string{"whole", "oAoB", "eAeB"}, send(t, j, logs(line("stdout", "F", "whole"), line("stdout", "P", "oA"), line("stderr", "P", "eA"), line("stdout", "F", "oB"), line("stderr", "F", "eB")), t0))
}

func TestARollbackLeavesEverythingAsItWas(t *testing.T) {
	s := newShelf()
	j := New(Options{Lines: true}, s)
	send(t, j, logs(dockerRecord("a", 1, false, "A")), t0)
	lines, bytes := j.Held()
	for range 3 {
		ld := logs(dockerRecord("a", 2, true, "B"), dockerRecord("b", 1, false, "x"))
		tx := j.Take(ld, t0)
		require.NoError(t, tx.Hold(t.Context()))
		require.Equal(t, []string{"AB"}, bodies(ld))
		tx.Rollback()
		gotLines, gotBytes := j.Held()
		require.Equal(t, lines, gotLines)
		require.Equal(t, bytes, gotBytes)
		require.Len(t, s.noted, 1)
	}
	require.Equal(t, []string{"AB"}, send(t, j, logs(dockerRecord("a", 2, true, "B")), t0))
	s.err = errors.New("disk full")
	tx := j.Take(logs(dockerRecord("c", 1, false, "x")), t0)
	require.Error(t, tx.Hold(t.Context()))
	tx.Rollback()
	gotLines, gotBytes := j.Held()
	require.Zero(t, gotLines)
	require.Zero(t, gotBytes)
}

func TestWhatWasHeldComesBackAfterACrash(t *testing.T) {
	s := newShelf()
	j := New(Options{Lines: true}, s)
	send(t, j, logs(dockerRecord("a", 1, false, "A"), dockerRecord("b", 2, false, "Y")), t0)
	after := newShelf()
	j = New(Options{Lines: true}, after)
	for n, value := range s.synced {
		after.noted[n], after.next = value, n
		require.NoError(t, j.Load(n, value, t0))
	}
	require.NoError(t, j.Load(99, nil, t0), "nothing in an item is nothing lost")
	require.Equal(t, []string{"AB"}, send(t, j, logs(dockerRecord("a", 2, true, "B")), t0))
	out, tx := j.Expired(t0, true)
	tx.Commit()
	require.Equal(t, []string{"Y"}, bodies(out))
	require.Empty(t, after.noted)
}

func TestWhatHasNoOrderOfItsOwnIsOrderedByTimeAfterACrash(t *testing.T) {
	s := newShelf()
	j := New(Options{Lines: true, Languages: []string{"java"}}, s)
	pieces := logs(map[string]any{"log": "A", "logtag": "P"}, map[string]any{"log": "B", "logtag": "P"}, map[string]any{"log": "C", "logtag": "P"})
	for i, lr := range pieces.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		lr.SetTimestamp(pcommon.Timestamp(i))
	}
	send(t, j, pieces, t0)
	send(t, j, logs(map[string]any{"log": "line 1", "log.iostream": "stdout"}, map[string]any{"log": "line 2", "log.iostream": "stderr"}), t0)
	after := newShelf()
	j = New(Options{Lines: true}, after)
	for _, n := range []uint64{3, 1, 2, 5, 4} {
		require.NoError(t, j.Load(n, s.synced[n], t0))
	}
	out, tx := j.Expired(t0, true)
	tx.Commit()
	require.ElementsMatch(t, []string{"ABC", "line 1", "line 2"}, bodies(out))
}

func TestTooLongAndTooManyAreEmittedAndSaySo(t *testing.T) {
	j := New(Options{Lines: true}, newShelf())
	big := strings.Repeat("a", MaxLineBytes/2)
	out := send(t, j, logs(dockerRecord("a", 1, false, big), dockerRecord("a", 2, false, big), dockerRecord("a", 3, true, "end")), t0)
	require.Equal(t, []string{big + big, "end"}, out)
	j.maxBytes = 10 << 10
	var emitted int
	for i := range 100 {
		emitted += len(send(t, j, logs(dockerRecord(fmt.Sprint(i), 1, false, "x")), t0))
	}
	lines, bytes := j.Held()
	require.Equal(t, 100, emitted+lines)
	require.LessOrEqual(t, bytes, j.maxBytes)
}

func TestStackTracesAreOneRecord(t *testing.T) {
	for name, tc := range map[string]struct {
		languages []string
		traces    []string
	}{
		"java":   {[]string{"java"}, []string{"ERROR failed\njava.lang.X: a", "java.lang.IllegalStateException: no stock\n\tat shop.Order.place(Order.java:7)\n\t... 3 more\nCaused by: java.io.IOException: gone\n\tat shop.Db.read(Db.java:9)\nSuppressed: x"}},
		"python": {[]string{"python"}, []string{"ERROR:root:failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\nValueError: no stock"}},
		"go":     {[]string{"go"}, []string{"panic: no stock\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:7 +0x1d\nexit status 2"}},
		"node":   {[]string{"node"}, []string{"Error: no stock\n    at place (/app/order.js:7:9)\n    at main {\n  code: 'E'\n}"}},
		"dotnet": {[]string{"dotnet"}, []string{"System.Exception: no stock\n ---> System.IO.IOException: gone\n   at Shop.Db.Read()\n   --- End of inner exception stack trace ---\n   at Shop.Order.Place()"}},
	} {
		t.Run(name, func(t *testing.T) {
			j := New(Options{Languages: tc.languages}, newShelf())
			want := tc.traces[len(tc.traces)-1]
			var records []map[string]any
			for _, line := range append([]string{"before"}, append(strings.Split(want, "\n"), "after", `{"json":1}`, "last")...) {
				records = append(records, map[string]any{"log": line})
			}
			// In one message, and each line in a message of its own.
			require.Equal(t, []string{`{"json":1}`, "before", want, "after"}, send(t, j, logs(records...), t0))
			rest, tx := j.Expired(t0.Add(TraceAge), false)
			require.Equal(t, []string{"last"}, bodies(rest))
			tx.Commit()
			var got []string
			for _, line := range append(strings.Split(want, "\n"), "after") {
				got = append(got, send(t, j, logs(map[string]any{"log": line}), t0)...)
			}
			rest, tx = j.Expired(t0.Add(TraceAge), true)
			tx.Commit()
			require.Equal(t, []string{want, "after"}, append(got, bodies(rest)...))
		})
	}
}

func TestIndentedAndOrdinaryLinesOfOtherLanguagesAreNotJoinedWithoutAsking(t *testing.T) {
	j := New(Options{Lines: true}, newShelf())
	require.Equal(t, []string{"a", " b", "Caused by: c"}, send(t, j, logs(map[string]any{"log": "a"}, map[string]any{"log": " b"}, map[string]any{"log": "Caused by: c"}), t0))
}
