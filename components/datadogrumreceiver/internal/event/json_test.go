package event

import (
	"encoding/json"
	"errors"
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
)

// plain turns node i into what encoding/json makes of the same text.
func plain(d *Doc, i int) any {
	v := &d.values[i]
	switch v.kind {
	case False, True:
		return v.kind == True
	case Number:
		return json.Number(v.str)
	case String:
		return v.str
	case Array:
		list := []any{}
		for j := range d.Children(i) {
			list = append(list, plain(d, j))
		}
		return list
	case Object:
		m := map[string]any{}
		for j := range d.Children(i) {
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
		var r Reader
		doc, err := r.Read(line)
		want, wantErr := reference(line)
		require.Equal(t, wantErr == nil, err == nil, "%s: %v", line, err)
		if err == nil {
			require.Equal(t, want, plain(&doc, 0), line)
		}
	}
	var r Reader
	for line, want := range map[string]error{
		`{"a":1,"a":2}`: errJSONDuplicate, `{"a":1,"\u0061":2}`: errJSONDuplicate,
		strings.Repeat("[", 65) + strings.Repeat("]", 65): errJSONDepth,
		"[" + strings.Repeat("0,", MaxNodes) + "0]":       errJSONNodes,
	} {
		_, err := r.Read(line)
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
		got, ok := WholeNumber(s)
		require.Equal(t, err == nil, ok, s)
		if ok {
			require.Equal(t, want, got, s)
		}
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { WholeNumber("33.25") }))
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
		var r Reader
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
			r.Reset() // the next is the one to compare with
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
	var r Reader
	for range 3 {
		r.Reset()
		docs := make([]Doc, 200)
		for i := range docs {
			var err error
			docs[i], err = r.Read(fmt.Sprintf(`{"type":"t%d","n":%d,"s":"%d"}`, i%20, i, i))
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
	var r Reader
	gone := make(chan struct{}, bodies)
	line := func(kind string, n, long int) string {
		b := fmt.Appendf(nil, `{"type":"%s","n":%d,"s":"\n%d","long":"%d%s"}`, kind, n, n, n, strings.Repeat("x", long))
		runtime.AddCleanup(&b[0], func(chan struct{}) { gone <- struct{}{} }, gone)
		return unsafe.String(&b[0], len(b))
	}
	for n := range bodies / 3 {
		r.Reset()
		read(t, &r, line("a", n, 0))
		read(t, &r, line("a", n+1000, n))
		read(t, &r, line("long", n, maxShapeText))
	}
	r.Reset()
	require.Eventually(t, func() bool {
		runtime.GC()
		return len(gone) == bodies
	}, 10*time.Second, time.Millisecond)
	runtime.KeepAlive(&r)
}

// read reads line and compares what was read with what encoding/json makes of it.
func read(t *testing.T, r *Reader, line string) {
	t.Helper()
	want, wantErr := reference(line)
	switch doc, err := r.Read(line); {
	case err == nil:
		require.NoError(t, wantErr)
		if got := plain(&doc, 0); !reflect.DeepEqual(want, got) {
			t.Fatalf("%q\nwant %#v\n got %#v", line, want, got)
		}
		require.True(t, doc.Equal(0, &doc, 0))
	case errors.Is(err, errJSONSyntax):
		require.Error(t, wantErr, line)
	}
}

// goldenLines are the lines of every golden story.
func goldenLines(f testing.TB) (lines []string) {
	files, err := filepath.Glob("../../testdata/*/in.yaml")
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
		var r Reader
		for range 2 {
			for _, line := range []string{one, two, one} {
				read(t, &r, line)
			}
			r.Reset()
			read(t, &r, two)
		}
	})
}
