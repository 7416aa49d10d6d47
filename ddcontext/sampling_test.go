package ddcontext

import (
	"math"
	"testing"
)

func TestParsePriority(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want int
		ok   bool
	}{
		{"0", 0, true}, {"1", 1, true}, {"2", 2, true}, {"-1", -1, true}, {"-2", -2, true}, {"3", 3, true}, {"999999999", 999999999, true},
		{"", 0, false}, {"-", 0, false}, {"--1", 0, false}, {"+1", 0, false}, {"1.0", 0, false}, {" 1", 0, false}, {"keep", 0, false}, {"9999999999", 0, false},
	} {
		if got, ok := ParsePriority(tc.in); got != tc.want || ok != tc.ok {
			t.Errorf("ParsePriority(%q) = %d, %v; want %d, %v", tc.in, got, ok, tc.want, tc.ok)
		}
	}
}

func TestParseDecisionMaker(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     int
		ok       bool
	}{
		{"default", "-0", DecidedByDefault, true},
		{"the hyphen is no minus", "-4", DecidedManually, true},
		{"two digits", "-12", DecidedByDynamicRule, true},
		{"service hash", "934086a6-4", DecidedManually, true},
		{"short hash", "934086a-4", 0, false},
		{"hash not hex", "934086ag-4", 0, false},
		{"no hyphen", "4", 0, false},
		{"hyphen alone", "-", 0, false},
		{"two hyphens", "--4", 0, false},
		{"not a number", "-x", 0, false},
		{"too many digits", "-1234", 0, false},
		{"empty", "", 0, false},
	} {
		if got, ok := ParseDecisionMaker(tc.in); got != tc.want || ok != tc.ok {
			t.Errorf("%s: ParseDecisionMaker(%q) = %d, %v; want %d, %v", tc.name, tc.in, got, ok, tc.want, tc.ok)
		}
	}
}

func TestSampledByRate(t *testing.T) {
	// knuthInverse undoes the hash, so the trace ids below have a known one.
	knuthInverse := uint64(1)
	for range 6 { // Newton's iteration: each step doubles the right bits
		knuthInverse *= 2 - knuthFactor*knuthInverse
	}
	half := uint64(1) << 63
	for _, tc := range []struct {
		name string
		hash uint64
		rate float64
		want bool
	}{
		{"all", math.MaxUint64, 1, true},
		{"none, even the smallest hash", 0, 0, false},
		{"half, at the edge: Go and the browser keep, the agent's < drops", half, 0.5, true},
		{"half, above the edge", half + 1, 0.5, false},
		{"half, below", half - 1, 0.5, true},
		{"more than all", math.MaxUint64, 1.5, true},
		{"negative", 0, -0.1, false},
		{"not a number", 0, math.NaN(), false},
		{"tiny", 1, 1e-19, true},
		{"almost all", math.MaxUint64, math.Nextafter(1, 0), false},
	} {
		if got := SampledByRate(tc.hash*knuthInverse, tc.rate); got != tc.want {
			t.Errorf("%s: hash %d at rate %g: %v, want %v", tc.name, tc.hash, tc.rate, got, tc.want)
		}
	}
	if hash := uint64(3) * knuthInverse * knuthFactor; hash != 3 {
		t.Fatalf("inverse is wrong: %d", hash)
	}
}
