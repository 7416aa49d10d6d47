package datadogrumreceiver

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// plain turns node i into what encoding/json makes of the same text.
func plain(d *jsonDoc, i int) any {
	n := &d.nodes[i]
	switch n.kind {
	case jsonFalse, jsonTrue:
		return n.kind == jsonTrue
	case jsonNumber:
		return json.Number(n.str)
	case jsonString:
		return n.str
	case jsonArray:
		list := []any{}
		for j := int(n.first); j < int(n.end); j = int(d.nodes[j].next) {
			list = append(list, plain(d, j))
		}
		return list
	case jsonObject:
		m := map[string]any{}
		for j := int(n.first); j < int(n.end); j = int(d.nodes[j].next) {
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
		var d jsonDoc
		root, err := d.parse(line)
		want, wantErr := reference(line)
		require.Equal(t, wantErr == nil, err == nil, "%s: %v", line, err)
		if err == nil {
			require.Equal(t, want, plain(&d, root), line)
		}
	}
	var d jsonDoc
	for line, want := range map[string]error{
		`{"a":1,"a":2}`: errJSONDuplicate, `{"a":1,"\u0061":2}`: errJSONDuplicate,
		strings.Repeat("[", 65) + strings.Repeat("]", 65): errJSONDepth,
		"[" + strings.Repeat("0,", maxJSONNodes) + "0]":   errJSONNodes,
	} {
		_, err := d.parse(line)
		require.ErrorIs(t, err, want)
	}
	require.Empty(t, d.nodes, "what could not be read leaves nothing behind")
}

// Objects that repeat are parsed once, and are still what they are: the same
// text under another name or deeper is another object.
func TestWhatRepeatsIsTheSame(t *testing.T) {
	var d jsonDoc
	lines := []string{
		`{"view":{"id":"1","action":{"count":1}},"usr":{"id":"1","action":{"count":1}},"_dd":{"configuration":{"rate":100},"view":{"id":"1","action":{"count":1}}}}`,
		`{"view":{"id":"1","action":{"count":1}},"usr":{"id":"1","action":{"count":1}},"_dd":{"configuration":{"rate":100},"other":2}}`,
		`{"view":{"id":"1","action":{"count":1}}x}`, // leaves nothing behind
		`{"view":{"id":"2","action":{"count":1}},"configuration":{"rate":100}}`,
	}
	for range 2 {
		for _, line := range lines {
			root, err := d.parse(line)
			want, wantErr := reference(line)
			require.Equal(t, wantErr == nil, err == nil, line)
			if err == nil {
				require.Equal(t, want, plain(&d, root))
			}
		}
	}
	_, err := d.parse(lines[0])
	require.NoError(t, err)
	before := len(d.nodes)
	_, err = d.parse(lines[0])
	require.NoError(t, err)
	require.Equal(t, 4, len(d.nodes)-before, "the event and its three members")
}

// seeds are the lines of every golden story.
func seeds(f *testing.F) {
	files, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		for line := range strings.SplitSeq(string(raw), "\n") {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "{") {
				f.Add(line)
			}
		}
	}
}

func FuzzParser(f *testing.F) {
	seeds(f)
	f.Add(`{"a":[1,2.5e3,"\ud83d\ude00",null,true]}`)
	f.Fuzz(func(t *testing.T, line string) {
		if !utf8.ValidString(line) {
			return // no text
		}
		var d jsonDoc
		root, err := d.parse(line)
		want, wantErr := reference(line)
		switch err {
		case nil:
			require.NoError(t, wantErr)
			// Again, between others, so that what was parsed before is recognised.
			other, otherErr := d.parse(`{"_dd":{"configuration":{"session_sample_rate":100}},"view":{"id":"view-1","url":"/"}}`)
			again, err := d.parse(line)
			require.NoError(t, errors.Join(otherErr, err))
			require.Equal(t, "view-1", d.text(d.child(d.child(other, "view"), "id")))
			for _, at := range []int{root, again} {
				if got := plain(&d, at); !reflect.DeepEqual(want, got) {
					t.Fatalf("%q\nwant %#v\n got %#v", line, want, got)
				}
			}
		case errJSONSyntax:
			require.Error(t, wantErr)
		}
	})
}

// Whatever a stranger sends: no panic, every line has an outcome, nothing but valid text leaves.
func FuzzEvents(f *testing.F) {
	seeds(f)
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
