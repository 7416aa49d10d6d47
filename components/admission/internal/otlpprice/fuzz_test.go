package otlpprice

import (
	"testing"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// What pdata decodes is not called malformed, but for groups; the shallow price is never below the deep one; and neither panics.
func FuzzProto(f *testing.F) {
	for _, e := range elements(3) {
		f.Add(e.body, uint8(e.root))
	}
	f.Add(goodProto(f, 2), uint8(Traces))
	f.Fuzz(func(t *testing.T, b []byte, root uint8) {
		r := Root(root % 4)
		deep, err := Deep(b, r, wide)
		shallow, err2 := Shallow(b, r, wide)
		if err == nil && err2 != nil {
			t.Fatalf("deep takes it, shallow not: %v", err2)
		}
		if err == nil && shallow < deep && len(b) > 0 {
			t.Fatalf("shallow price %d is below the deep one %d", shallow, deep)
		}
		if err == nil {
			return
		}
		if refusal := admission.AsRefusal(err); refusal == nil || (refusal.Reason == admission.ReasonMalformed && !group(b)) {
			if _, derr := decode(b, r); derr == nil {
				t.Fatalf("pdata decodes what is called malformed: %v", err)
			}
		}
	})
}

// group reports whether a byte of b could begin or end a group.
func group(b []byte) bool {
	for _, c := range b {
		if c&7 == 3 || c&7 == 4 {
			return true
		}
	}
	return false
}

func FuzzJSON(f *testing.F) {
	f.Add(goodJSON(f, 1))
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\\""}]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := JSON(b, wide); err != nil {
			for _, root := range []Root{Traces, Logs, Metrics} {
				if _, derr := decodeJSON(b, root); derr == nil && admission.AsRefusal(err).Reason == admission.ReasonMalformed {
					t.Fatalf("pdata decodes what is called malformed: %v", err)
				}
			}
		}
	})
}
