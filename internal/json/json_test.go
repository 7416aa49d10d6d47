package json

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// value reads one value of any kind as encoding/json does.
func value(r *Reader) any {
	switch r.Kind() {
	case Null:
		r.Null()
		return nil
	case False, True:
		return r.Bool()
	case Number:
		f, ok := r.Number().Float64()
		if !ok {
			r.fail(ErrSyntax)
		}
		return f
	case String:
		return r.String()
	case Array:
		list := []any{}
		for r.Array(); r.Element(); {
			list = append(list, value(r))
		}
		return list
	case Object:
		m := map[string]any{}
		for r.Object(); r.Field(); {
			name := r.Name()
			m[name] = value(r)
		}
		return m
	}
	r.Skip()
	return nil
}

var texts = []string{
	``, ` `, `null`, `true`, `false`, `truer`, `nul`, `0`, `-0`, `01`, `-`, `+1`, `.5`, `1.`, `1e`, `1e5`, `-1.25E-3`, `1e400`, `1-2`,
	`""`, `"a"`, `"a`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\u12"`, `"\x"`, `"\`, "\"\x01\"",
	`[]`, `[ ]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[1,2`, `[[],{}]`, `{}`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`,
	`{"a":{"b":[1,"x",null,true]},"c":-7}`, `1 2`, `[] x`, `]`, `}`, ` {"a" : [ 1 , 2 ] } `, `{"a":1]`, `[1}`,
}

func TestTheSameIsReadAsByTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		requireLikeStandardLibrary(t, text)
	}
}

func requireLikeStandardLibrary(t *testing.T, text string) {
	t.Helper()
	var want any
	wantErr := json.Unmarshal([]byte(text), &want)
	r := NewReader(text)
	got := value(r)
	err := r.End()
	require.Equal(t, wantErr == nil, err == nil, "%q: %v, encoding/json: %v", text, err, wantErr)
	if err == nil && utf8.ValidString(text) {
		require.True(t, reflect.DeepEqual(want, got), "%q: %v, encoding/json: %v", text, got, want)
	}
	skip := NewReader(text)
	raw := skip.Raw()
	if skip.End() == nil {
		require.Equal(t, strings.Trim(text, " \t\r\n"), raw)
	}
	// A number that is too large is found by whoever wants its value.
	if err == nil {
		require.NoError(t, skip.Err())
	}
}

func TestNumbersKeepEveryDigit(t *testing.T) {
	t.Parallel()
	u, ok := NewReader("18446744073709551615").Number().Uint64()
	require.True(t, ok)
	require.EqualValues(t, uint64(math.MaxUint64), u)
	i, ok := NewReader("-9223372036854775808").Number().Int64()
	require.True(t, ok)
	require.EqualValues(t, math.MinInt64, i)
	_, ok = NewReader("7.0").Number().Int64()
	require.False(t, ok)
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("[", 1<<20), strings.Repeat(`{"a":`, 1<<18)} {
		r := NewReader(text)
		r.Skip()
		require.ErrorIs(t, r.End(), ErrDepth)
	}
	for depth, want := range map[int]error{MaxDepth: nil, MaxDepth + 1: ErrDepth} {
		r := NewReader(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		r.Skip()
		require.ErrorIs(t, r.End(), want)
	}
}

func TestControlCharactersPassWhenTheyAreAllowed(t *testing.T) {
	t.Parallel()
	r := Reader{AllowControl: true}
	r.Reset("\"a\nb\\tc\n\"")
	require.Equal(t, "a\nb\tc\n", r.String())
	require.NoError(t, r.End())
}

func TestAfterAnErrorThereIsNothingMore(t *testing.T) {
	t.Parallel()
	r := NewReader(`[1,x,2]`)
	n := 0
	for r.Array(); r.Element(); n++ {
		r.Number()
	}
	require.Equal(t, 2, n)
	require.ErrorIs(t, r.End(), ErrSyntax)
	require.Equal(t, Invalid, r.Kind())
}

func TestReadingPlainJSONAllocatesNothing(t *testing.T) {
	text := `[{"trace_id":"6b000ced0000000066d41929008a21a9","attributes":{"a":[1,true,null,-1.5]}}]`
	var r Reader
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r.Reset(text)
		r.Skip()
		if r.End() != nil {
			t.Fatal(r.Err())
		}
	}))
}

func FuzzReader(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") > MaxDepth {
			r := NewReader(text)
			r.Skip()
			return
		}
		requireLikeStandardLibrary(t, text)
	})
}
