package jsonlog

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func parseText(line string) (pcommon.Map, error) {
	m := pcommon.NewMap()
	p := parser{depth: maxMaxDepth, left: math.MaxInt}
	return m, p.parse(line, m)
}

func TestNumbersKeepEveryDigit(t *testing.T) {
	for literal, want := range map[string]any{
		"0":                    int64(0),
		"-7":                   int64(-7),
		"9007199254740993":     int64(9007199254740993), // 2^53+1, which a double rounds
		"9223372036854775807":  int64(math.MaxInt64),
		"-9223372036854775808": int64(math.MinInt64),
		"9223372036854775808":  "9223372036854775808",
		"18446744073709551615": "18446744073709551615",
		"-9223372036854775809": "-9223372036854775809",
		"340282366920938463463374607431768211455": "340282366920938463463374607431768211455",
		"1.5":                   1.5,
		"0.1":                   0.1,
		"-0.0":                  math.Copysign(0, -1),
		"1e3":                   1000.0,
		"0.000":                 0.0,
		"1700000000.1234567":    1700000000.1234567,
		"1.0000000000000000":    1.0,
		"0.30000000000000004":   0.30000000000000004,
		"0.12345678901234567":   "0.12345678901234567", // the nearest double says ...66
		"0.1234567890123456789": "0.1234567890123456789",
		"1e400":                 "1e400",
		"-1E-400":               "-1E-400",
		"5e-324":                5e-324,
		"4.9406e-324":           "4.9406e-324",
	} {
		m, err := parseText(`{"n":` + literal + `}`)
		require.NoError(t, err, literal)
		require.Equal(t, want, m.AsRaw()["n"], literal)
	}
}

func TestWhatIsNotOneJSONObjectIsRefused(t *testing.T) {
	for _, line := range []string{
		``, ` `, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a":1}}`, `{"a":1} x`, `{"a":1}{"b":2}`,
		`[]`, `1`, `"x"`, `null`, `{"a":01}`, `{"a":+1}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":-}`, `{"a":NaN}`,
		`{"a":tru}`, `{"a":nul}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a" 1}`, `{"a":"` + "\n" + `"}`, `{"a":"\x"}`, `{"a":"\u12"}`,
		`{"a":"\u12g4"}`, `{"a":"\ud800\u12"}`, `{"a":"\`, `{"a":"b`, `{'a':1}`, `{"a":1,"b"}`, `{"a":"` + "\x00" + `"}`,
	} {
		_, err := parseText(line)
		require.ErrorIs(t, err, errInvalid, line)
	}
}

func TestStringsAreReadAsEncodingJSONReadsThem(t *testing.T) {
	for _, line := range []string{
		`{"a":"plain"}`, `{"a":"\"\\\/\b\f\n\r\t"}`, `{"a":"\u00e9\u20AC"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`,
		`{"a":"\ud83dx"}`, `{"a":"\ud83d\u0041"}`, `{"a":"\ude00\ud83d"}`, "{\"a\":\"\xff\xfe ok \xe2\x82\"}",
		"{\"a\":\"\\n\xff\"}", "{\"\xff\":1}", `{"":""}`, "\t\r\n {\"a\" : [ ] , \"b\" : { } } \n",
	} {
		requireLikeStandardLibrary(t, line)
	}
}

func TestLimitsHoldWhileReading(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
	}
	for _, c := range []struct {
		line string
		want error
	}{
		{nested(4), nil},
		{nested(5), errTooDeep},
		{`{"a":[[[1]]]}`, nil},
		{`{"a":[[[[1]]]]}`, errTooDeep},
		{`{"a":{},"b":{},"c":[[],[]]}`, nil},
		{`{"a":1,"b":2,"c":[3,4,5,6]}`, nil},
		{`{"a":1,"b":2,"c":[3,4,5,6,7]}`, errTooMany},
		{strings.Repeat(`{"a":`, 1_000_000), errTooDeep},
	} {
		p := parser{depth: 4, left: 7}
		require.ErrorIs(t, p.parse(c.line, pcommon.NewMap()), c.want, c.line[:min(len(c.line), 50)])
	}
}

func TestTheLastOfDuplicateKeysStaysAndTheOthersAreCounted(t *testing.T) {
	p := parser{depth: 4, left: 10}
	m := pcommon.NewMap()
	require.NoError(t, p.parse(`{"a":{"x":1},"b":2,"a":"three","c":{"d":1,"d":null}}`, m))
	require.Equal(t, map[string]any{"a": "three", "b": int64(2), "c": map[string]any{"d": nil}}, m.AsRaw())
	require.Equal(t, 2, p.twice)
}

// FuzzParse holds the parser against encoding/json: the same lines are JSON,
// with the same strings, structure and, to the digit, numbers.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"event":"user.login","level":"info","dd.trace_id":18446744073709551615}`,
		`{"a":[1,2.5,-0e1,true,false,null,{"b":"\ud83d\ude00"}]}`, `{"a":1,"a":2}`, "{\"\xff\":\"\xff\"}", ` { } `, `{"a":"\ud800\u0041"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) { requireLikeStandardLibrary(t, line) })
}

var longNumber = regexp.MustCompile(`[-+.eE0-9]{300,}`)

func requireLikeStandardLibrary(t *testing.T, line string) {
	t.Helper()
	got, err := parseText(line)
	if errors.Is(err, errTooDeep) {
		return // encoding/json has a bound of its own, at many times the depth
	}
	if longNumber.MatchString(line) {
		return // encoding/json has no bound there
	}
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	var want map[string]any
	valid := json.Valid([]byte(line)) && decoder.Decode(&want) == nil && want != nil
	require.Equal(t, valid, err == nil, "%q", line)
	if valid {
		require.True(t, same(want, got.AsRaw()), "%q: want %v, got %v", line, want, got.AsRaw())
	}
}

func same(want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for k := range want {
			if !same(want[k], got[k]) {
				return false
			}
		}
		return true
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range want {
			if !same(want[i], got[i]) {
				return false
			}
		}
		return true
	case json.Number:
		switch got := got.(type) {
		case string:
			return got == want.String()
		case int64:
			n, ok := new(big.Int).SetString(want.String(), 10)
			return ok && n.IsInt64() && n.Int64() == got
		case float64:
			f, err := want.Float64()
			return err == nil && f == got
		}
		return false
	default:
		return want == got
	}
}
