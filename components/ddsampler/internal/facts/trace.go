// Package facts collects what the spans of one batch say about the sampling of their traces.
package facts

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/exceptions"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/otstate"
	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// Attributes that Datadog's tracers write about sampling.
const (
	DecisionMakerKey = "_dd.p.dm"
	KnuthRateKey     = "_dd.p.ksr"
	SampleRateKey    = "_sample_rate"

	ruleRateKey  = "_dd.rule_psr"
	agentRateKey = "_dd.agent_psr"
	mechanismKey = "_dd.span_sampling.mechanism"

	singleSpanMechanism = 8

	// maxMember is the longest dd member that a tracer reads.
	maxMember = 253
)

// Maker is what a decision maker means for sampling. Of several in one trace the last in this order counts.
type Maker uint8

// The makers.
const (
	NoMaker      Maker = iota
	DefaultMaker       // -0: nobody had an opinion
	SamplingMaker
	ForcedMaker    // somebody wanted this trace, whatever the rate
	ExceptionMaker // a sampler kept it for an error or a rare shape, although it was to be dropped
)

// Trace is what the spans of a batch say about one trace.
type Trace struct {
	ID pcommon.TraceID
	// Rate is the best of the rates its spans name.
	Rate float64
	// UndecidedRate is the highest that applies to any of its spans.
	UndecidedRate float64
	// Priority is the highest of its spans.
	Priority    int32
	HasPriority bool
	// HasTH says that a span carries a threshold in its tracestate.
	HasTH bool
	// Broken says that a span's tracestate has a threshold or randomness in a wrong form.
	Broken bool
	Maker  Maker
	rank   rateRank
	// What the dd member of tracestate says, the highest of the spans.
	memberPriority int32
	hasMember      bool
	memberMaker    Maker
}

// Decision is what was decided about a trace before it came here.
type Decision struct {
	// Priority says something only if Known is set.
	Priority int32
	Known    bool
	Maker    Maker
	// HasRate means that the rate the decision was taken by came with it, and not on the root span alone.
	HasRate bool
}

// Decision returns what the priority attribute says, and if there is neither that nor a threshold, the dd member of tracestate: spans of
// OpenTelemetry SDKs inherit it from a Datadog tracer before them.
func (t *Trace) Decision() Decision {
	if t.HasPriority || t.HasTH || !t.hasMember {
		return Decision{t.Priority, t.HasPriority, t.Maker, t.rank == knuthRate}
	}
	return Decision{t.memberPriority, true, max(t.Maker, t.memberMaker), t.rank == memberRate || t.rank == knuthRate}
}

// rateRank says where a rate stood. A higher rank replaces a lower one.
type rateRank uint8

const (
	noRate     rateRank = iota
	memberRate          // in tracestate
	agentRate           // of the root span alone
	ruleRate
	knuthRate // of every span
)

// HasRate reports whether a span named the rate the trace was sampled with.
func (t *Trace) HasRate() bool { return t.rank != noRate }

// Low returns the low 64 bits, on which tracers decide.
func (t *Trace) Low() uint64 { return binary.BigEndian.Uint64(t.ID[8:]) }

// add takes in what one span says.
func (t *Trace) add(span ptrace.Span, undecidedRate float64) {
	t.UndecidedRate = max(t.UndecidedRate, undecidedRate)
	if state := span.TraceState().AsRaw(); state != "" {
		m := otstate.Read(state)
		t.HasTH, t.Broken = t.HasTH || m.HasTH, t.Broken || m.Broken
		if member, ok := ddcontext.FindMember(state); ok {
			t.addMember(member)
		}
	}
	for key, v := range span.Attributes().All() {
		if len(key) < len(KnuthRateKey)-1 || key[0] != '_' && key[0] != 's' {
			continue
		}
		switch key {
		case ddid.PriorityKey, ddid.OtherPriorityKey:
			if p, ok := ddid.Priority(v); ok && (!t.HasPriority || int32(p) > t.Priority) {
				t.Priority, t.HasPriority = int32(p), true
			}
		case DecisionMakerKey:
			if v.Type() == pcommon.ValueTypeStr {
				t.Maker = max(t.Maker, maker(v.Str()))
			}
		case exceptions.ErrorKey:
			t.Maker = ExceptionMaker
		case exceptions.RareKey:
			if n, ok := number(v); ok && n == 1 {
				t.Maker = ExceptionMaker
			}
		case KnuthRateKey:
			t.addRate(v, knuthRate)
		case ruleRateKey:
			t.addRate(v, ruleRate)
		case agentRateKey:
			t.addRate(v, agentRate)
		}
	}
}

// addMember takes in the dd member of tracestate. Its reader in ddcontext keeps more than is needed here, and allocates for it.
func (t *Trace) addMember(member string) {
	if len(member) > maxMember {
		return
	}
	for entry := range strings.SplitSeq(member, ";") {
		key, text, _ := strings.Cut(entry, ":")
		switch key {
		case "s":
			if p, ok := ddcontext.ParsePriority(text); ok && (!t.hasMember || int32(p) > t.memberPriority) {
				t.memberPriority, t.hasMember = int32(p), true
			}
		case "t.dm":
			t.memberMaker = max(t.memberMaker, maker(text))
		case "t.ksr":
			if rate, err := strconv.ParseFloat(text, 64); err == nil && rate >= 0 && rate <= 1 && t.rank == noRate {
				t.Rate, t.rank = rate, memberRate
			}
		}
	}
}

func (t *Trace) addRate(v pcommon.Value, rank rateRank) {
	if rank <= t.rank {
		return
	}
	if rate, ok := number(v); ok && rate >= 0 && rate <= 1 {
		t.Rate, t.rank = rate, rank
	}
}

// number reads a number that some tracers send as text.
func number(v pcommon.Value) (float64, bool) {
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		return v.Double(), !math.IsNaN(v.Double())
	case pcommon.ValueTypeInt:
		return float64(v.Int()), true
	case pcommon.ValueTypeStr:
		if len(v.Str()) > 32 {
			return 0, false
		}
		f, err := strconv.ParseFloat(v.Str(), 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

// maker reads `_dd.p.dm`: "-4", or with a hash of the service before it, "a1b2c3d4-4". The hyphen is a separator.
func maker(s string) Maker {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '-' {
			s = s[i+1:]
			break
		}
	}
	switch s {
	case "0":
		return DefaultMaker
	case "4", "5", "6", "8", "10": // manual, AppSec, remote user, single span, data jobs
		return ForcedMaker
	case "":
		return NoMaker
	}
	return SamplingMaker
}

// IsSingle reports whether a span was kept for itself, although its trace was not.
func IsSingle(span ptrace.Span) bool {
	v, ok := span.Attributes().Get(mechanismKey)
	if !ok {
		return false
	}
	mechanism, ok := number(v)
	return ok && mechanism == singleSpanMechanism
}
