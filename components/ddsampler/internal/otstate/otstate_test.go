package otstate

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

func TestThresholdsAreSpelledAsTracersSpellThem(t *testing.T) {
	for rate, want := range map[float64]string{1: "0", 0.999: "004189374bc6a8", 0.5: "8", 0.25: "c", 0.1: "e6666666666668", 0.01: "fd70a3d70a3d7", 1e-18: "ffffffffffffff"} {
		require.Equal(t, want, trimmed(Threshold(rate)), rate)
	}
	require.InDelta(t, 0.1, Probability(Threshold(0.1)), 1e-15)
}

// The randomness written beside a threshold gives the verdict the tracers' hash gave, at the edge of every rate too.
func TestRandomnessAgreesWithTheTracersHash(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rates := []float64{1, 0.999999, 0.9, 0.5, 0.25, 0.1, 0.01, 0.001, 0.000001}
	for range 20_000 {
		rate := rates[r.IntN(len(rates))]
		low := r.Uint64()
		if r.IntN(3) == 0 { // the last id that is kept, and its neighbours: the constant has an inverse modulo 2^64
			low = (uint64(rate*math.MaxUint64) + uint64(r.IntN(600)) - 300) * inverse
		}
		keeps := Keeps(low, rate)
		require.Equal(t, ddcontext.SampledByRate(low, rate), keeps)
		th := Threshold(rate)
		if keeps {
			require.GreaterOrEqual(t, Randomness(low, th), th)
		} else {
			require.LessOrEqual(t, ^(low*knuth)>>8, th+4, "only rounding may lift a dropped trace over the threshold")
		}
	}
}

var inverse = func() uint64 {
	x := uint64(knuth)
	for range 6 {
		x *= 2 - knuth*x
	}
	return x
}()

func TestReadingTheMember(t *testing.T) {
	for state, want := range map[string]Member{
		"":                                     {},
		"dd=s:1,ot=th:8":                       {TH: 8 << 52, HasTH: true},
		" ot=rv:00000000000001;th:0 ,x=":       {RV: 1, HasRV: true, HasTH: true},
		"ot=th:":                               {Broken: true},
		"ot=th:8G":                             {Broken: true},
		"ot=th:8A":                             {Broken: true},
		"ot=th:000000000000001":                {Broken: true},
		"ot=rv:1":                              {Broken: true, RV: 1},
		"ot=x:1":                               {},
		"not=th:8":                             {},
		strings.Repeat("a", 4096) + ",ot=th:8": {},
	} {
		require.Equal(t, want, Read(state), state)
	}
}

func TestWritingTheMember(t *testing.T) {
	both := Member{TH: 8 << 52, HasTH: true, RV: 15 << 52, HasRV: true}
	for _, c := range []struct {
		state, want string
		m           Member
	}{
		{"", "ot=th:8;rv:f0000000000000", both},
		{"dd=s:1", "dd=s:1,ot=th:8;rv:f0000000000000", both},
		{"dd=s:1,a=b", "dd=s:1,ot=th:8;rv:f0000000000000,a=b", both},
		{"a=b", "ot=th:8;rv:f0000000000000,a=b", both},
		{"a=b,ot=k:v;th:1", "a=b,ot=th:8;rv:f0000000000000;k:v", both},
		{"a=b,ot=th:1", "a=b", Member{}},
		{"ot=th:1", "", Member{}},
		{"ot=th:1;k:v,ot=th:2", "ot=k:v", Member{}},
		{strings.Repeat("a=b,", 32), "ot=th:8;rv:f0000000000000" + strings.Repeat(",a=b", 31), both},
	} {
		require.Equal(t, c.want, Write(c.state, c.m), c.state)
	}
}

func FuzzState(f *testing.F) {
	f.Add("dd=s:1,ot=th:8;rv:f0000000000000;k:v", uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, state string, th, rv uint64) {
		m := Member{TH: th & maxTh, RV: rv & maxTh, HasTH: true, HasRV: true}
		if len(state) > maxState || strings.Count(state, ",") >= maxMembers {
			return
		}
		require.Equal(t, m, Read(Write(state, m)), state)
	})
}
