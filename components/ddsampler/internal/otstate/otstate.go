// Package otstate reads and writes the ot member of tracestate: the randomness rv a trace was judged by, and the threshold th it passed.
// See https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/.
//
// Datadog's tracers keep a trace if its low 64 bits times a constant are below the rate's share of 2^64. The complement's upper 56
// bits are an rv that gives the same verdict against th.
package otstate

import (
	"math"
	"strconv"
	"strings"
)

const (
	knuth = 1111111111111111111

	// randomBits is the width of rv and th.
	randomBits = 56
	maxTh      = 1<<randomBits - 1

	maxMembers = 32
	// maxState bounds what is read; a longer tracestate is left alone.
	maxState = 4096
)

// Keeps reports whether a tracer would keep the trace with these low 64 bits at this rate.
func Keeps(low uint64, rate float64) bool {
	switch {
	case rate >= 1:
		return true
	case !(rate > 0):
		return false
	}
	return low*knuth <= uint64(rate*math.MaxUint64)
}

// Randomness returns rv for a trace that was kept with th: the complement of the tracers' hash. Rounding 64 bits to 56 may put it just below
// th; then it is th.
func Randomness(low, th uint64) uint64 {
	return max(^(low*knuth)>>(64-randomBits), th)
}

// Threshold returns th for a rate above 0.
func Threshold(rate float64) uint64 {
	if rate >= 1 {
		return 0
	}
	return min(uint64(math.Round((1-rate)*(1<<randomBits))), maxTh)
}

// Probability is the inverse of Threshold.
func Probability(th uint64) float64 { return 1 - float64(th)/(1<<randomBits) }

// Member is what the ot member says about sampling.
type Member struct {
	RV, TH       uint64
	HasRV, HasTH bool
	// Broken is set if rv or th is there in a wrong form.
	Broken bool
}

// Find returns the value of the ot member.
func Find(state string) (value string, ok bool) {
	if state == "" || len(state) > maxState {
		return "", false
	}
	for member := range strings.SplitSeq(state, ",") {
		if value, ok := strings.CutPrefix(strings.Trim(member, " \t"), "ot="); ok {
			return value, true
		}
	}
	return "", false
}

// Read reads the ot member of a tracestate.
func Read(state string) (m Member) {
	value, ok := Find(state)
	if !ok {
		return m
	}
	for entry := range strings.SplitSeq(value, ";") {
		key, text, _ := strings.Cut(entry, ":")
		switch key {
		case "rv":
			m.RV, m.HasRV = hex(text)
			m.HasRV = m.HasRV && len(text) == 14
			m.Broken = m.Broken || !m.HasRV
		case "th":
			m.TH, m.HasTH = hex(text)
			m.HasTH = m.HasTH && len(text) <= 14
			m.Broken = m.Broken || !m.HasTH
			m.TH <<= 4 * (14 - min(len(text), 14))
		}
	}
	return m
}

func hex(s string) (v uint64, ok bool) {
	if s == "" || len(s) > 14 {
		return 0, false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c-'a' <= 5:
			c -= 'a' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(c)
	}
	return v, true
}

// Write returns state with what m says in its ot member. Other sub-keys stay, and so do other members in their order. An ot member that would be
// empty is removed, and a new one stands behind Datadog's, which must be first.
func Write(state string, m Member) string {
	if len(state) > maxState {
		return state
	}
	old, _ := Find(state)
	value := merge(old, m)
	members := make([]string, 0, 4)
	placed := value == ""
	for member := range strings.SplitSeq(state, ",") {
		member = strings.Trim(member, " \t")
		switch {
		case member == "":
		case strings.HasPrefix(member, "ot="):
			if !placed {
				members, placed = append(members, "ot="+value), true
			}
		default:
			if !placed && old == "" && !strings.HasPrefix(member, "dd=") {
				members, placed = append(members, "ot="+value), true
			}
			members = append(members, member)
		}
	}
	if !placed {
		members = append(members, "ot="+value)
	}
	return strings.Join(members[:min(len(members), maxMembers)], ",")
}

// merge writes th and rv into the value of an ot member.
func merge(old string, m Member) string {
	var entries []string
	if m.HasTH {
		entries = append(entries, "th:"+trimmed(m.TH))
	}
	if m.HasRV {
		entries = append(entries, "rv:"+padded(m.RV))
	}
	for entry := range strings.SplitSeq(old, ";") {
		if entry != "" && !strings.HasPrefix(entry, "rv:") && !strings.HasPrefix(entry, "th:") {
			entries = append(entries, entry)
		}
	}
	return strings.Join(entries, ";")
}

func padded(v uint64) string {
	s := strconv.FormatUint(v, 16)
	return "00000000000000"[:14-len(s)] + s
}

func trimmed(th uint64) string {
	if s := strings.TrimRight(padded(th), "0"); s != "" {
		return s
	}
	return "0"
}
