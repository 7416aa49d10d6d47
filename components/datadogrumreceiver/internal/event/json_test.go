package datadogrumreceiver

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// plain turns node i into what encoding/json makes of the same text.
func plain(d *jsonDoc, i int) any {
	v := &d.values[i]
	switch v.kind {
	case jsonFalse, jsonTrue:
		return v.kind == jsonTrue
	case jsonNumber:
		return json.Number(v.str)
	case jsonString:
		return v.str
	case jsonArray:
		list := []any{}
		for j := range d.children(i) {
			list = append(list, plain(d, j))
		}
		return list
	case jsonObject:
		m := map[string]any{}
		for j := range d.children(i) {
			m[d.nodes[j].key] = plain(d, j)
		}
		return m
	}
	return nil
}

func reference(line string) (any, error) {
	if !json.Valid([]byte(line)) {
		return nil, errJSONSyntax
	}
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

func TestTheParserReadsWhatEncodingJSONReads(t *testing.T) {
	for _, line := range []string{
		`{}`, `[]`, `""`, `0`, `-0`, `1.5e-3`, `1E+2`, ` {"a" : [ 1 , {"b":null} , true,false ] } `, `"\u00e9\ud83d\ude00\ud83d \udc00\n\/\\\""`,
		`01`, `-`, `1.`, `.5`, `1e`, `+1`, `nul`, `tru`, `"a`, "\"\t\"", `"\x"`, `"\u12"`, `"\u+123"`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a":1}x`, ``, ` `,
		`{"a":1`, `[`, `{`, `]`, `18446744073709551616`, `"\`, `"\u`, `{"a":1,"b":2,"c":{"d":[[],{}]}}`,
	} {
		var r jsonReader
		doc, err := r.read(line)
		want, wantErr := reference(line)
		require.Equal(t, wantErr == nil, err == nil, "%s: %v", line, err)
		if err == nil {
			require.Equal(t, want, plain(&doc, 0), line)
		}
	}
	var r jsonReader
	for line, want := range map[string]error{
		`{"a":1,"a":2}`: errJSONDuplicate, `{"a":1,"\u0061":2}`: errJSONDuplicate,
		strings.Repeat("[", 65) + strings.Repeat("]", 65): errJSONDepth,
		"[" + strings.Repeat("0,", maxJSONNodes) + "0]":   errJSONNodes,
	} {
		_, err := r.read(line)
		require.ErrorIs(t, err, want)
	}
	require.Empty(t, r.shapes, "what could not be read leaves nothing behind")
	require.Zero(t, r.size)
}

func TestWholeNumbersAreThoseOfStrconv(t *testing.T) {
	for _, s := range []string{
		"0", "-0", "7", "-7", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "1.5", "1e3", "-1E2", "0.0", "", "-",
	} {
		want, err := strconv.ParseInt(s, 10, 64)
		got, ok := wholeNumber(s)
		require.Equal(t, err == nil, ok, s)
		if ok {
			require.Equal(t, want, got, s)
		}
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { wholeNumber("33.25") }))
}

// An event that is like another is read by their differences, and says what it says.
func TestWhatIsLikeAnotherEventIsReadAsItself(t *testing.T) {
	like := []string{
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"e":{}}`,
		`{"type":"a","n":123,"s":"","o":{"l":[1.5e3,""],"b":false},"e":{}}`,
		`{"type":"a","n":1,"s":"\u0041\"","o":{"l":["1",2],"b":null},"e":{}}`,
		`{"type":"a","n":null,"s":"A\"","o":{"l":[true,"\n"],"b":"}"},"e":{}}`,
		`{"type":"a","n":12,"s":"a longer one, ] } \\","o":{"l":[-0,"2"],"b":-0.1},"e":{}}`,
	}
	other := []string{
		`{"type":"b","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"e":{}}`,     // another type
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2",3],"b":true},"e":{}}`,   // a longer list
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"e":{"":1}}`, // another member
		`{"type":"a","n":12,"s":"x","o":{"l":[[],"2"],"b":true},"e":{}}`,    // an object in place of a value
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"e":[]}`,
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"f":{}}`,
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b": true},"e":{}}`,
	}
	bad := []string{
		``, `{"type":"a"`, `{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"e":{}}}`, `{"type":"a","n":01,"s":"x","o":{"l":[1,"2"],"b":true},"e":{}}`,
		`{"type":"a","n":12"s":"x","o":{"l":[1,"2"],"b":true},"e":{}}`, `{"type":"a","n":12,"s":"x,"o":{"l":[1,"2"],"b":true},"e":{}}`,
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":truee},"e":{}}`, `{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"e":{}`,
		`{"type":"a","n":12,"s":"x","o":{"l":[1,"2"],"b":true},"s":{}}`, `{"type":"a","n":1-2,"s":"x","o":{"l":[1,"2"],"b":true},"e":{}}`,
	}
	for _, first := range like {
		var r jsonReader
		read(t, &r, first)
		for _, line := range slices.Concat(like, bad, like) {
			read(t, &r, line)
			require.Len(t, r.shapes, 1, line)
		}
		for i, line := range other {
			read(t, &r, line)
			require.Len(t, r.shapes, 2+i, line)
		}
		for range 3 {
			r.reset() // the next is the one to compare with
			for _, line := range slices.Concat(like, other) {
				read(t, &r, line)
			}
			slices.Reverse(like)
		}
		require.Len(t, r.shapes, 1+len(other))
	}
}

// Documents stay what they are while others are read.
func TestEventsOfABatchDoNotChangeEachOther(t *testing.T) {
	var r jsonReader
	for range 3 {
		r.reset()
		docs := make([]jsonDoc, 200)
		for i := range docs {
			var err error
			docs[i], err = r.read(fmt.Sprintf(`{"type":"t%d","n":%d,"s":"%d"}`, i%20, i, i))
			require.NoError(t, err)
		}
		for i := range docs {
			require.Equal(t, map[string]any{"type": fmt.Sprintf("t%d", i%20), "n": json.Number(strconv.Itoa(i)), "s": strconv.Itoa(i)}, plain(&docs[i], 0))
		}
		require.Len(t, r.shapes, maxShapes)
	}
}

// Neither shapes nor tables hold on to bodies that are gone.
func TestAReaderKeepsCopies(t *testing.T) {
	const bodies = 9
	var r jsonReader
	gone := make(chan struct{}, bodies)
	line := func(kind string, n, long int) string {
		b := fmt.Appendf(nil, `{"type":"%s","n":%d,"s":"\n%d","long":"%d%s"}`, kind, n, n, n, strings.Repeat("x", long))
		runtime.AddCleanup(&b[0], func(chan struct{}) { gone <- struct{}{} }, gone)
		return unsafe.String(&b[0], len(b))
	}
	for n := range bodies / 3 {
		r.reset()
		read(t, &r, line("a", n, 0))
		read(t, &r, line("a", n+1000, n))
		read(t, &r, line("long", n, maxShapeText))
	}
	r.reset()
	require.Eventually(t, func() bool {
		runtime.GC()
		return len(gone) == bodies
	}, 10*time.Second, time.Millisecond)
	runtime.KeepAlive(&r)
}

// What is kept for the next body does not hold on to the last one, which may be 10 MB.
func TestAnIngestLetsGoOfItsBody(t *testing.T) {
	in, _ := newConverter(t)
	bodies := [][]string{
		{clickLine, strings.Replace(fetchLine, `["ac`, `["ac000000-0000-4000-8000-000000000002","ac`, 1), request(1, "a2", 10), request(2, "", 20), request(3, "a3", 10), request(4, "a4", 10)},
		{viewLine, `{"type":"error","date":1795168790000,"application":{"id":"x"},"action":{"id":["a1","a2"]},"error":{"message":"no \"luck\""}}`, "no event"},
		{strings.Repeat(" ", 10) + viewLine + strings.Repeat(" ", 100<<10), fetchLine},
	}
	gone := make(chan struct{}, len(bodies))
	for _, lines := range bodies {
		b := []byte(joinLines(lines...))
		runtime.AddCleanup(&b[0], func(chan struct{}) { gone <- struct{}{} }, gone)
		require.False(t, in.run(t.Context(), unsafe.String(&b[0], len(b)), &origin{received: pcommon.NewTimestampFromTime(testNow)}).retry)
		in.giveBack()
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		return len(gone) == len(bodies)
	}, 10*time.Second, time.Millisecond)
	runtime.KeepAlive(in)
}

// read reads line and compares what was read with what encoding/json makes of it.
func read(t *testing.T, r *jsonReader, line string) {
	t.Helper()
	want, wantErr := reference(line)
	switch doc, err := r.read(line); err {
	case nil:
		require.NoError(t, wantErr)
		if got := plain(&doc, 0); !reflect.DeepEqual(want, got) {
			t.Fatalf("%q\nwant %#v\n got %#v", line, want, got)
		}
		require.True(t, doc.equal(0, &doc, 0))
	case errJSONSyntax:
		require.Error(t, wantErr, line)
	}
}

// goldenLines are the lines of every golden story.
func goldenLines(f testing.TB) (lines []string) {
	files, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		for line := range strings.SplitSeq(string(raw), "\n") {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "{") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// Whatever was read before, an event is read as encoding/json reads it.
func FuzzReader(f *testing.F) {
	lines := goldenLines(f)
	for i, line := range lines {
		f.Add(line, lines[max(i-1, 0)])
	}
	f.Add(`{"a":[1,2.5e3,"\ud83d\ude00",null,true]}`, `{"a":[-1,2.5e3,"",0,""]}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		if !utf8.ValidString(one) || !utf8.ValidString(two) {
			return // no text
		}
		var r jsonReader
		for range 2 {
			for _, line := range []string{one, two, one} {
				read(t, &r, line)
			}
			r.reset()
			read(t, &r, two)
		}
	})
}

// Whatever a stranger sends: no panic, every line has an outcome, nothing but valid text leaves.
func FuzzEvents(f *testing.F) {
	for _, line := range goldenLines(f) {
		f.Add(line)
	}
	f.Add(joinLines(clickLine, fetchLine))
	f.Fuzz(func(t *testing.T, body string) {
		cfg := createDefaultConfig().(*Config)
		r, err := newRUM(receivertest.NewNopSettings(componentType), cfg)
		require.NoError(t, err)
		sink := &checkingSink{t: t}
		r.traces, r.logs, r.metrics = sink, sink, sink
		from := &origin{received: pcommon.NewTimestampFromTime(testNow)}
		in := &ingest{r: r, w: r.newWriter()}
		require.False(t, in.run(t.Context(), body, from).retry)
		var lines, outcomes int64
		for line := range strings.SplitSeq(body, "\n") {
			if strings.Trim(strings.ToValidUTF8(line, "\uFFFD"), " \t\r") != "" {
				lines++
			}
		}
		for i := range in.counts {
			for _, n := range in.counts[i] {
				outcomes += n
			}
		}
		require.Equal(t, lines, outcomes)
		require.NoError(t, r.flusher.flush(t.Context(), testNow, flushAll))
		require.Equal(t, heldSizes{}, r.held.sizes())
	})
}
