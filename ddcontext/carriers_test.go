package ddcontext

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// attributes is a message's attributes as a test wants them.
type attributes map[string]string

func (a attributes) Get(name string) ([]byte, bool) {
	value, ok := a[name]
	return []byte(value), ok
}
func (a attributes) Set(name, value string) { a[name] = value }
func (a attributes) Names() []string        { return slices.Sorted(maps.Keys(a)) }

func TestMessageCarrierReads(t *testing.T) {
	const want = "0000000000000000123456789abcdef0/0123456789abcdef/01 s=2 p=0123456789abcdef"
	const object = `{"x-datadog-trace-id":"` + low64 + `","x-datadog-parent-id":"` + parent + `","x-datadog-sampling-priority":"2"}`
	for _, tc := range []struct {
		name string
		in   attributes
		want string
	}{
		{"String: SQS", attributes{"_datadog": object}, want},
		{"Binary: SNS, in base64 as Lambda events have it", attributes{"_datadog": "eyJ4LWRhdGFkb2ctdHJhY2UtaWQiOiIxMzExNzY4NDY3NDYzNzkwMzIwIiwieC1kYXRhZG9nLXBhcmVudC1pZCI6IjgxOTg1NTI5MjE2NDg2ODk1IiwieC1kYXRhZG9nLXNhbXBsaW5nLXByaW9yaXR5IjoiMiJ9"}, want},
		{"numbers with all their digits", attributes{"_datadog": strings.NewReplacer(`:"`, ":", `",`, ",", `"}`, "}").Replace(object)}, want},
		{"names in another case", attributes{"_datadog": strings.ReplaceAll(object, "x-datadog", "X-Datadog")}, want},
		{"other members beside", attributes{"_datadog": strings.Replace(object, "{", `{"dd-pathway-ctx-base64":"abc","x-datadog-start-time":1.7e12,"n":null,"o":{"a":[1]},`, 1)}, want},
		{"plain attributes", attributes{"x-datadog-trace-id": low64, "x-datadog-parent-id": parent, "x-datadog-sampling-priority": "2"}, want},
		{"plain traceparent: OpenTelemetry's own instrumentations", attributes{"traceparent": "00-" + tid + "123456789abcdef0-0123456789abcdef-01"}, tid + "123456789abcdef0/0123456789abcdef/01"},
		{"an id in exponent form has lost digits", attributes{"_datadog": `{"x-datadog-trace-id":1.311768467463790e18,"x-datadog-parent-id":1}`}, "none"},
		{"not JSON", attributes{"_datadog": "{"}, "none"},
		{"not an object", attributes{"_datadog": "[]"}, "none"},
		{"null", attributes{"_datadog": "null"}, "none"},
		{"empty", attributes{"_datadog": ""}, "none"},
		{"not base64", attributes{"_datadog": "???"}, "none"},
		{"longer than any real one", attributes{"_datadog": object + strings.Repeat(" ", maxDatadogAttribute)}, "none"},
		{"nothing", attributes{}, "none"},
		{"another hop's plain traceparent beside", attributes{"_datadog": object, "traceparent": "00-" + tid + "123456789abcdef0-00000000000000ee-01", "x-datadog-tags": "_dd.p.dm=-4", "x-datadog-origin": "rum"}, want},
		{"plain attributes beside what holds no context", attributes{"_datadog": `{"dd-pathway-ctx-base64":"abc"}`, "traceparent": "00-" + tid + "123456789abcdef0-0123456789abcdef-01"}, tid + "123456789abcdef0/0123456789abcdef/01"},
	} {
		if got := summary(New().Extract(t.Context(), NewMessageCarrier(tc.in))); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

func TestMessageCarrierWrites(t *testing.T) {
	ctx := New().Extract(t.Context(), headersOf("x-datadog-trace-id: 1\nx-datadog-parent-id: 2\nx-datadog-sampling-priority: 1"))
	p := New(WithStyles(Datadog))
	const object = `{"x-datadog-parent-id":"2","x-datadog-sampling-priority":"1","x-datadog-trace-id":"1"}`

	full := attributes{}
	for i := range 10 {
		full[fmt.Sprint("a", i)] = "x"
	}
	replaced := maps.Clone(full)
	delete(replaced, "a9")
	replaced["_datadog"] = object

	for _, tc := range []struct {
		name string
		in   attributes
		want string
		err  error
	}{
		{"a fresh message", attributes{"other": "x"}, object, nil},
		{"a forwarded message: the old context goes, the rest stays", attributes{"_datadog": `{"X-Datadog-Trace-Id":"9","x-datadog-origin":"rum","x-datadog-tags":"_dd.p.dm=-4","dd-pathway-ctx-base64":"abc","n":{"a":1}}`},
			`{"dd-pathway-ctx-base64":"abc","n":{"a":1},"x-datadog-parent-id":"2","x-datadog-sampling-priority":"1","x-datadog-trace-id":"1"}`, nil},
		{"an unreadable attribute is replaced", attributes{"_datadog": "?"}, object, nil},
		{"ten attributes: no room", full, "", ErrAttributesFull},
		{"ten attributes, one of them ours", replaced, object, nil},
	} {
		before := len(tc.in)
		c := NewMessageCarrier(tc.in)
		p.Inject(ctx, c)
		if got := tc.in["_datadog"]; got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
		if !errors.Is(c.Err(), tc.err) {
			t.Errorf("%s: error %v, want %v", tc.name, c.Err(), tc.err)
		}
		if tc.err != nil && len(tc.in) != before {
			t.Errorf("%s: attributes were added", tc.name)
		}
	}
}

func TestHeaderListTakesTheNearestWriter(t *testing.T) {
	list := []MessageHeader{{"x-datadog-trace-id", []byte("9")}, {"x-datadog-parent-id", []byte("8")}, {"X-Datadog-Trace-Id", []byte("1")}, {"x-datadog-parent-id", []byte("2")}}
	if got, want := summary(New().Extract(t.Context(), NewHeaderList(&list))), "00000000000000000000000000000001/0000000000000002/01 p=0000000000000002"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHeaderListLeavesClonesAlone(t *testing.T) {
	shared := make([]MessageHeader, 1, 10)
	shared[0] = MessageHeader{"other", []byte("x")}
	first, second := shared, shared
	ctx := New().Extract(t.Context(), headersOf("x-datadog-trace-id: 1\nx-datadog-parent-id: 2"))
	New().Inject(ctx, NewHeaderList(&first))
	New(WithStyles(B3)).Inject(ctx, NewHeaderList(&second))
	if got := mapOf(first)["x-datadog-trace-id"]; got != "1" {
		t.Errorf("the clone's headers overwrote ours: %v", mapOf(first))
	}
	if len(mapOf(second)) != 2 || shared[:2][1].Key != "" {
		t.Errorf("ours overwrote the clone's: %v", mapOf(second))
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(`{"x-datadog-trace-id":"1","x-datadog-parent-id":2,"x":{}}`)
	f.Add("eyJ9")
	f.Fuzz(func(t *testing.T, value string) {
		ctx := New().Extract(t.Context(), NewMessageCarrier(attributes{"_datadog": value}))
		again := attributes{"_datadog": value}
		New().Inject(ctx, NewMessageCarrier(again))
		if got := summary(New().Extract(t.Context(), NewMessageCarrier(again))); summary(ctx) != "none" && got[:49] != summary(ctx)[:49] {
			t.Fatalf("%s became %s", summary(ctx), got)
		}
	})
}
