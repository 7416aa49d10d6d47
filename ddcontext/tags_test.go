package ddcontext

import (
	"strings"
	"testing"
)

func TestParseTags(t *testing.T) {
	for _, tc := range []struct {
		name, in  string
		want, tid string
		ok        bool
	}{
		{"empty", "", "", "", true},
		{"one", "_dd.p.dm=-4", "_dd.p.dm=-4", "", true},
		{"order is kept (system-tests compare the string)", "_dd.p.b=1,_dd.p.a=2", "_dd.p.b=1,_dd.p.a=2", "", true},
		{"only the first equals sign splits", "_dd.p.usr.id=baz64==", "_dd.p.usr.id=baz64==", "", true},
		{"tid first", "_dd.p.tid=640cfd8d00000000,_dd.p.dm=-4", "_dd.p.dm=-4", "640cfd8d00000000", true},
		{"tid last", "_dd.p.dm=-4,_dd.p.tid=640cfd8d00000000", "_dd.p.dm=-4", "640cfd8d00000000", true},
		{"tid between", "_dd.p.dm=-4,_dd.p.tid=640cfd8d00000000,_dd.p.a=b", "_dd.p.dm=-4,_dd.p.a=b", "640cfd8d00000000", true},
		{"tid alone", "_dd.p.tid=640cfd8d00000000", "", "640cfd8d00000000", true},
		{"tid twice: the last", "_dd.p.tid=1,_dd.p.dm=-4,_dd.p.tid=2", "_dd.p.dm=-4", "2", true},
		{"other keys: Python, Ruby and Java leave them out, Node refuses the header", "a=b,_dd.p.dm=-4,_dd.b=c", "_dd.p.dm=-4", "", true},
		{"upstream_services is discarded by all", "_dd.p.upstream_services=x,_dd.p.dm=-4", "_dd.p.dm=-4", "", true},
		{"a repeated key: the last", "_dd.p.a=1,_dd.p.b=2,_dd.p.a=3", "_dd.p.b=2,_dd.p.a=3", "", true},
		{"a key that begins like another", "_dd.p.ab=1,_dd.p.a=2", "_dd.p.ab=1,_dd.p.a=2", "", true},
		{"blanks in a value", "_dd.p.a=b c", "_dd.p.a=b c", "", true},
		{"trailing comma: Go refuses, Java accepts", "_dd.p.dm=-4,", "", "", false},
		{"leading comma", ",_dd.p.dm=-4", "", "", false},
		{"two commas", "_dd.p.dm=-4,,_dd.p.a=b", "", "", false},
		{"comma alone", ",", "", "", false},
		{"empty value: Go and Java refuse, Node accepts", "_dd.p.dm=", "", "", false},
		{"empty key", "=x", "", "", false},
		{"no equals sign", "_dd.p.dm", "", "", false},
		{"blank in a key", "_dd.p.a=b, _dd.p.c=d", "", "", false},
		{"outside ASCII", "_dd.p.a=ü", "", "", false},
		{"control character", "_dd.p.a=b\n", "", "", false},
		{"one bad tag among good ones takes all", "_dd.p.tid=640cfd8d00000000,x", "", "", false},
		{"512 bytes", "_dd.p.a=" + strings.Repeat("x", 504), "_dd.p.a=" + strings.Repeat("x", 504), "", true},
		{"513 bytes", "_dd.p.a=" + strings.Repeat("x", 505), "", "", false},
	} {
		tags, tid, ok := ParseTags(tc.in)
		if tags.String() != tc.want || tid != tc.tid || ok != tc.ok {
			t.Errorf("%s: ParseTags(%q) = %q, %q, %v; want %q, %q, %v", tc.name, tc.in, tags, tid, ok, tc.want, tc.tid, tc.ok)
		}
	}
}

func TestTagsChange(t *testing.T) {
	tags := Tags{}
	for _, tc := range []struct {
		key, value string
		ok         bool
		want       string
	}{
		{"_dd.p.dm", "-1", true, "_dd.p.dm=-1"},
		{"_dd.p.ts", "02", true, "_dd.p.dm=-1,_dd.p.ts=02"},
		{"_dd.p.dm", "-4", true, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"_dd.p.dm", "-4", true, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"_dd.p.tid", "640cfd8d00000000", false, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"_dd.p.upstream_services", "x", false, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"other", "x", false, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"_dd.p.a", "", false, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"_dd.p.a", "x,y", false, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"_dd.p.a", "x\r\ny", false, "_dd.p.dm=-4,_dd.p.ts=02"},
		{"_dd.p.a b", "x", false, "_dd.p.dm=-4,_dd.p.ts=02"},
	} {
		var ok bool
		if tags, ok = tags.With(tc.key, tc.value); ok != tc.ok || tags.String() != tc.want {
			t.Errorf("With(%q, %q) = %q, %v; want %q, %v", tc.key, tc.value, tags, ok, tc.want, tc.ok)
		}
	}
	if v, ok := tags.Get("_dd.p.ts"); v != "02" || !ok {
		t.Errorf("Get = %q, %v", v, ok)
	}
	if _, ok := tags.Get("_dd.p.t"); ok {
		t.Error("Get finds a key that only begins so")
	}
	if got := tags.Without("_dd.p.dm").String(); got != "_dd.p.ts=02" {
		t.Errorf("Without = %q", got)
	}
	if got := tags.Without("_dd.p.x"); got != tags {
		t.Errorf("Without what is not there = %q", got)
	}
	if got := tags.Without("_dd.p.dm").Without("_dd.p.ts"); got != (Tags{}) {
		t.Errorf("Without all = %q", got)
	}
}

func FuzzTags(f *testing.F) {
	f.Add("_dd.p.dm=-4,_dd.p.tid=640cfd8d00000000,_dd.p.usr.id=baz64==")
	f.Add("_dd.p.a=1,_dd.p.a=2,b=c,_dd.p.upstream_services=x")
	f.Add("a=b,")
	f.Fuzz(func(t *testing.T, header string) {
		tags, tid, ok := ParseTags(header)
		if !ok {
			if tags != (Tags{}) || tid != "" {
				t.Fatalf("refused, yet %q, %q", tags, tid)
			}
			return
		}
		if len(tags.String()) > len(header) || !printable(tags.String()) {
			t.Fatalf("%q became %q", header, tags)
		}
		again, noTID, ok := ParseTags(tags.String())
		if !ok || noTID != "" || again != tags {
			t.Fatalf("%q formats to %q, which parses to %q, %q, %v", header, tags, again, noTID, ok)
		}
		built := Tags{}
		for k, v := range tags.All() {
			if built, ok = built.With(k, v); !ok {
				t.Fatalf("%q=%q cannot be set", k, v)
			}
		}
		if built != tags {
			t.Fatalf("%q built anew is %q", tags, built)
		}
	})
}
