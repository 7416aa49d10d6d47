package ddid

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"testing"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

const (
	low64  = "1311768467463790320"
	parent = "81985529216486895"
	tid    = "640cfd8d00000000"
)

func TestParseLogTraceID(t *testing.T) {
	const hex32 = "640cfd8d00000000123456789abcdef0"
	const dec39 = "132990249761594643607123699795721248496" // 640cfd8d00000000 << 64 + 123456789abcdef0
	high, low := uint64(0x640cfd8d00000000), uint64(0x123456789abcdef0)
	both := []KeyFamily{DatadogKey, BareKey}

	for _, tc := range []struct {
		name, in string
		keys     []KeyFamily
		want     LogTraceID
		outcome  Outcome
	}{
		{"decimal, all tracers for 64-bit ids", low64, both, LogTraceID{0, low, Decimal64}, Mapped},
		{"largest decimal", "18446744073709551615", both, LogTraceID{0, math.MaxUint64, Decimal64}, Mapped},
		{"hex, 128-bit logging: Go, Java, Node, .NET, PHP, Python 3", hex32, both, LogTraceID{high, low, Hex128}, Mapped},
		{"hex of a padded 64-bit id: Go", "0000000000000000123456789abcdef0", both, LogTraceID{0, low, Hex128}, Mapped},
		{"hex upper-case", strings.ToUpper(hex32), both, LogTraceID{high, low, Hex128}, Mapped},
		{"32 digits are hex even without a letter", "64012345000000001234567812345678", both, LogTraceID{0x6401234500000000, 0x1234567812345678, Hex128}, Mapped},
		{"decimal of 39 digits: Python 1 and 2", dec39, both, LogTraceID{high, low, Decimal128}, Mapped},
		{"decimal of 20 digits above 2^64", "18446744073709551616", both, LogTraceID{1, 0, Decimal128}, Mapped},
		{"largest 128-bit decimal", "340282366920938463463374607431768211455", both, LogTraceID{math.MaxUint64, math.MaxUint64, Decimal128}, Mapped},
		{"one above", "340282366920938463463374607431768211456", both, LogTraceID{}, OutOfRange},
		{"40 digits", "9999999999999999999999999999999999999999", both, LogTraceID{}, OutOfRange},
		{"16 hex with a letter", "123456789abcdef0", []KeyFamily{DatadogKey}, LogTraceID{0, low, Hex64}, Mapped},
		{"under a bare name 16 hex are nobody's for sure", "123456789abcdef0", []KeyFamily{BareKey}, LogTraceID{}, Invalid},
		{"16 digits are a decimal", "1234567812345678", both, LogTraceID{0, 1234567812345678, Decimal64}, Mapped},
		{"quoted: PHP, nginx", `"` + low64 + `"`, both, LogTraceID{0, low, Decimal64}, Mapped},
		{"blanks around", " " + low64 + "\t", both, LogTraceID{0, low, Decimal64}, Mapped},
		{"31 hex", hex32[1:], both, LogTraceID{}, Invalid},
		{"33 hex", hex32 + "a", both, LogTraceID{}, Invalid},
		{"UUID", "640cfd8d-0000-0000-1234-56789abcdef0", both, LogTraceID{}, Invalid},
		{"0x", "0x123456789abcdef", both, LogTraceID{}, Invalid},
		{"negative", "-5", both, LogTraceID{}, Invalid},
		{"exponent", "1.3e18", both, LogTraceID{}, Invalid},
		{"words", "see above", both, LogTraceID{}, Invalid},
		{"longer than any id", strings.Repeat("1", 65), both, LogTraceID{}, Invalid},
		{"Arabic digits", "\u0661\u0662\u0663", both, LogTraceID{}, Invalid},

		{"no span: Python, Ruby", "0", both, LogTraceID{}, Absent},
		{"zeros in hex", strings.Repeat("0", 32), both, LogTraceID{}, Absent},
		{"empty", "", both, LogTraceID{}, Absent},
		{"blank", "  ", both, LogTraceID{}, Absent},
		{"quotes around nothing", `""`, both, LogTraceID{}, Absent},
		{"dash: nginx", "-", both, LogTraceID{}, Absent},
		{"null", "null", both, LogTraceID{}, Absent},
		{"None", "None", both, LogTraceID{}, Absent},
		{"NULL", "NULL", both, LogTraceID{}, Absent},
		{"a word that only begins so", "nullable", both, LogTraceID{}, Invalid},
		{"nil", "nil", both, LogTraceID{}, Absent},
		{"undefined", "undefined", both, LogTraceID{}, Absent},
		{"(null)", "(null)", both, LogTraceID{}, Absent},
		{"logback pattern nobody resolved", "%X{dd.trace_id}", both, LogTraceID{}, Absent},
		{"log4j2 pattern nobody resolved", "${ctx:dd.trace_id}", both, LogTraceID{}, Absent},
	} {
		for _, key := range tc.keys {
			got, outcome := ParseLogTraceID(tc.in, key)
			if got != tc.want || outcome != tc.outcome {
				t.Errorf("%s: ParseLogTraceID(%q, %d) = %x, %v; want %x, %v", tc.name, tc.in, key, got, outcome, tc.want, tc.outcome)
			}
		}
	}
}

func TestParseLogSpanID(t *testing.T) {
	decimal := LogTraceID{0, 5, Decimal64}
	hex := LogTraceID{0x640cfd8d00000000, 0x1234567812345678, Hex128}
	for _, tc := range []struct {
		name, in string
		key      KeyFamily
		trace    LogTraceID
		want     uint64
		outcome  Outcome
	}{
		{"decimal: all tracers", parent, DatadogKey, decimal, 0x0123456789abcdef, Mapped},
		{"decimal beside a hex trace id: all tracers", parent, DatadogKey, hex, 0x0123456789abcdef, Mapped},
		{"20 digits", "18446744073709551615", DatadogKey, hex, math.MaxUint64, Mapped},
		{"20 digits above 2^64-1", "18446744073709551616", DatadogKey, hex, 0, OutOfRange},
		{"21 digits", "000000000000000000001", DatadogKey, hex, 0, OutOfRange},
		{"16 hex with a letter: nginx, httpd", "0123456789ABCDEF", DatadogKey, hex, 0x0123456789abcdef, Mapped},
		{"16 digits are a decimal", "1234567812345679", DatadogKey, hex, 1234567812345679, Mapped},
		{"16 digits that end the hex trace id: nginx root span", "1234567812345678", DatadogKey, hex, 0x1234567812345678, Mapped},
		{"16 digits that end a decimal trace id are a decimal", "1234567812345678", DatadogKey, LogTraceID{0, 0x1234567812345678, Decimal64}, 1234567812345678, Mapped},
		{"bare, hex trace: OpenTelemetry's, digits are hex", "1234567812345679", BareKey, hex, 0x1234567812345679, Mapped},
		{"bare, hex trace, decimal span", parent, BareKey, hex, 0, Invalid},
		{"bare, decimal trace: Datadog's", parent, BareKey, decimal, 0x0123456789abcdef, Mapped},
		{"bare, decimal trace, hex span", "0123456789abcdef", BareKey, decimal, 0, Invalid},
		{"absent", "0", DatadogKey, decimal, 0, Absent},
		{"absent in hex", "0000000000000000", BareKey, hex, 0, Absent},
		{"15 hex", "123456789abcdef", DatadogKey, hex, 0, Invalid},
		{"negative", "-1", DatadogKey, hex, 0, Invalid},
		{"longer than any id", strings.Repeat("1", 65), DatadogKey, hex, 0, Invalid},
	} {
		got, outcome := ParseLogSpanID(tc.in, tc.key, tc.trace)
		if got != tc.want || outcome != tc.outcome {
			t.Errorf("%s: ParseLogSpanID(%q) = %x, %v; want %x, %v", tc.name, tc.in, got, outcome, tc.want, tc.outcome)
		}
	}
}

func TestLogIDsThatAreNumbers(t *testing.T) {
	for _, tc := range []struct {
		in      int64
		want    uint64
		outcome Outcome
	}{
		{42, 42, Mapped}, {math.MaxInt64, math.MaxInt64, Mapped}, {math.MinInt64, 1 << 63, Mapped}, {-2, math.MaxUint64 - 1, Mapped}, {0, 0, Absent}, {-1, 0, Absent},
	} {
		if got, outcome := LogIDFromInt(tc.in); got != tc.want || outcome != tc.outcome {
			t.Errorf("LogIDFromInt(%d) = %d, %v; want %d, %v", tc.in, got, outcome, tc.want, tc.outcome)
		}
	}
	for _, tc := range []struct {
		in      float64
		want    uint64
		outcome Outcome
	}{
		{42, 42, Mapped}, {1<<53 - 1, 1<<53 - 1, Mapped}, {1 << 53, 0, PrecisionLoss}, {4.8251329481922365e18, 0, PrecisionLoss}, {math.Inf(1), 0, PrecisionLoss},
		{0, 0, Absent}, {-1, 0, Invalid}, {0.5, 0, Invalid}, {math.NaN(), 0, Invalid}, {math.Inf(-1), 0, Invalid},
	} {
		if got, outcome := LogIDFromFloat(tc.in); got != tc.want || outcome != tc.outcome {
			t.Errorf("LogIDFromFloat(%g) = %d, %v; want %d, %v", tc.in, got, outcome, tc.want, tc.outcome)
		}
	}
}

func TestOutcomesAreSpelledForMetrics(t *testing.T) {
	for o, want := range map[Outcome]string{Absent: "absent", Mapped: "mapped", Invalid: "invalid", OutOfRange: "out_of_range", PrecisionLoss: "precision_loss", 99: "unknown"} {
		if o.String() != want {
			t.Errorf("%d is %q, want %q", o, o, want)
		}
	}
}

func FuzzLogIDs(f *testing.F) {
	f.Add(low64, parent, false, uint64(1), uint64(2))
	f.Add("640cfd8d00000000123456789abcdef0", "0123456789abcdef", true, uint64(0), uint64(math.MaxUint64))
	f.Add(" \"-\" ", "%X{}", false, uint64(1)<<63, uint64(10))
	f.Fuzz(func(t *testing.T, traceText, spanText string, bare bool, high, low uint64) {
		key := DatadogKey
		if bare {
			key = BareKey
		}
		id, outcome := ParseLogTraceID(traceText, key)
		if (outcome == Mapped) != (id.High|id.Low != 0) {
			t.Fatalf("trace %q: %x, %v", traceText, id, outcome)
		}
		if span, outcome := ParseLogSpanID(spanText, key, id); (outcome == Mapped) != (span != 0) {
			t.Fatalf("span %q beside %x: %x, %v", spanText, id, span, outcome)
		}
		if low == 0 {
			return
		}
		hex := string(ddcontext.AppendHex64(ddcontext.AppendHex64(nil, high), low))
		if got, _ := ParseLogTraceID(hex, key); got != (LogTraceID{high, low, Hex128}) {
			t.Fatalf("%s parses to %x", hex, got)
		}
		if got, _ := ParseLogTraceID(strconv.FormatUint(low, 10), key); got != (LogTraceID{0, low, Decimal64}) {
			t.Fatalf("%d parses to %x", low, got)
		}
		if high != 0 {
			// 128-bit decimals of other lengths than 32, which is hex.
			if decimal := formatUint128(high, low); len(decimal) != 32 {
				if got, _ := ParseLogTraceID(decimal, key); got != (LogTraceID{high, low, Decimal128}) {
					t.Fatalf("%s parses to %x", decimal, got)
				}
			}
		}
	})
}

func formatUint128(high, low uint64) string {
	var digits []byte
	for high|low != 0 {
		var rest uint64
		high, rest = high/10, high%10
		low, rest = bits.Div64(rest, low, 10)
		digits = append([]byte{byte('0' + rest)}, digits...)
	}
	return string(digits)
}

func TestParsingLogIDsDoesNotAllocate(t *testing.T) {
	inputs := []string{low64, "640cfd8d00000000123456789abcdef0", "132990249761594643607123699795721248496", "123456789abcdef0", "", "%X{dd.trace_id}", "rubbish", " \"5\" "}
	if n := testing.AllocsPerRun(100, func() {
		for _, s := range inputs {
			id, _ := ParseLogTraceID(s, DatadogKey)
			ParseLogSpanID(s, DatadogKey, id)
			ParseLogSpanID(s, BareKey, id)
			ddcontext.ParseUint64(s)
			ddcontext.ParseTID(s)
		}
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkParseLogIDs(b *testing.B) {
	for _, form := range []struct{ name, trace, span string }{
		{"decimal", low64, parent},
		{"hex", tid + "123456789abcdef0", "0123456789abcdef"},
	} {
		b.Run(form.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				id, _ := ParseLogTraceID(form.trace, DatadogKey)
				ParseLogSpanID(form.span, DatadogKey, id)
			}
		})
	}
}
