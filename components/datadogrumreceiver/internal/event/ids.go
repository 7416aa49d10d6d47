package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// ParseTraceID reads `_dd.trace_id` in the spellings the SDKs use: browsers
// write the low 64 bits in decimal, mobile SDKs 128 bits in hex, iOS without
// the leading zeros of the upper half. A text that holds a hex letter or is 32
// long is hex; 33 to 39 digits are a 128-bit decimal; the rest is a 64-bit
// decimal if it fits, else hex.
func ParseTraceID(s string) (pcommon.TraceID, bool) {
	var id pcommon.TraceID
	switch {
	case len(s) > 39 || s == "":
		return id, false
	case len(s) == 32 || strings.ContainsAny(s, "abcdefABCDEF"):
		return hexTraceID(s)
	case len(s) > 32:
		n, ok := new(big.Int).SetString(s, 10)
		if !ok || n.Sign() <= 0 || n.BitLen() > 128 || s[0] == '+' {
			return id, false
		}
		n.FillBytes(id[:])
		return id, true
	}
	if low, ok := ddcontext.ParseUint64(s); ok {
		return ddcontext.JoinTraceID(0, low), low != 0
	}
	return hexTraceID(s)
}

func hexTraceID(s string) (id pcommon.TraceID, ok bool) {
	if len(s) > 32 {
		return id, false
	}
	var digits [32]byte
	pad := copy(digits[:], "00000000000000000000000000000000"[len(s):])
	copy(digits[pad:], s)
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return pcommon.TraceID{}, false
	}
	return id, !id.IsEmpty()
}

// ParseSpanID reads `_dd.span_id`, a decimal that uses all 64 bits.
func ParseSpanID(s string) (pcommon.SpanID, bool) {
	n, ok := ddcontext.ParseUint64(s)
	return ddcontext.SpanID(n), ok && n != 0
}

// ActionSpanID is the span id every collector computes, alone and in any
// order, for an action in one of its traces: the first 8 bytes of
// SHA-256("rum.action\0" application "\0" action "\0" trace in 32 hex digits)
// with the top bit cleared. The trace is part of it because backends index
// spans by span id alone.
func ActionSpanID(appID, actionID string, trace pcommon.TraceID) pcommon.SpanID {
	var buf [192]byte
	b := appendActionSeed(buf[:0], appID, actionID)
	b = append(b, 0)
	b = hex.AppendEncode(b, trace[:])
	sum := sha256.Sum256(b)
	n := binary.BigEndian.Uint64(sum[:8]) &^ (1 << 63)
	return ddcontext.SpanID(max(n, 1))
}

// StandaloneTraceID is the trace of an action that took part in None.
func StandaloneTraceID(appID, actionID string) pcommon.TraceID {
	var buf [192]byte
	sum := sha256.Sum256(appendActionSeed(buf[:0], appID, actionID))
	return pcommon.TraceID(sum[:16])
}

// ViewSpan is the span of a view's load, in a trace of its own: ids that every
// collector computes alone, from application and view.
func ViewSpan(appID, viewID string) Link {
	sum := sha256.Sum256([]byte("rum.view\x00" + appID + "\x00" + viewID))
	n := binary.BigEndian.Uint64(sum[16:24]) &^ (1 << 63)
	return Link{Trace: pcommon.TraceID(sum[:16]), Span: ddcontext.SpanID(max(n, 1))}
}

func appendActionSeed(b []byte, appID, actionID string) []byte {
	b = append(b, "rum.action\x00"...)
	b = append(b, appID...)
	b = append(b, 0)
	return append(b, actionID...)
}
