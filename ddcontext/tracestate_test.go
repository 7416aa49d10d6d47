package ddcontext

import (
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

func tagsOf(t testing.TB, wire string) Tags {
	t.Helper()
	tags, _, ok := ParseTags(wire)
	if !ok {
		t.Fatalf("%q are no tags", wire)
	}
	return tags
}

func TestAppendMember(t *testing.T) {
	for _, tc := range []struct {
		name string
		data TraceData
		want string
		all  bool
	}{
		{"nothing", TraceData{}, "", true},
		{"order: s, o, p, t (Go)", TraceData{Priority: 2, HasPriority: true, Origin: "rum", LastParent: "00f067aa0ba902b7", Tags: tagsOf(t, "_dd.p.dm=-4,_dd.p.usr.id=x")},
			"s:2;o:rum;p:00f067aa0ba902b7;t.dm:-4;t.usr.id:x", true},
		{"negative priority", TraceData{Priority: -1, HasPriority: true}, "s:-1", true},
		{"origin of the W3C test vectors", TraceData{Origin: "synthetics~;=web,z"}, "o:synthetics__~web_z", true},
		{"blank in the origin: Ruby and Node keep it, Go writes _", TraceData{Origin: "a b"}, "o:a b", true},
		{"runs outside ASCII: Go one _, Node one per UTF-16 unit, Ruby one per code point", TraceData{Origin: "aüöb€"}, "o:a_b_", true},
		{"control characters", TraceData{Origin: "a\r\nb"}, "o:a_b", true},
		{"separators are replaced one by one", TraceData{Origin: ",,;;"}, "o:____", true},
		{"tag value", TraceData{Tags: tagsOf(t, "_dd.p.a=x;y~z=")}, "t.a:x_y_z~", true},
		{"tag key with separators of the member", TraceData{Tags: tagsOf(t, "_dd.p.a:b;c=x")}, "t.a_b_c:x", true},
		{"a last blank would be trimmed on the way", TraceData{Tags: tagsOf(t, "_dd.p.a=x  ")}, "t.a:x", true},
		{"253 bytes", TraceData{Tags: tagsOf(t, "_dd.p.a="+strings.Repeat("x", 249))}, "t.a:" + strings.Repeat("x", 249), true},
		{"254 bytes", TraceData{Tags: tagsOf(t, "_dd.p.a="+strings.Repeat("x", 250))}, "", false},
		{"entries are left out whole, later ones may fit", TraceData{Priority: 1, HasPriority: true, Tags: tagsOf(t, "_dd.p.a="+strings.Repeat("x", 250)+",_dd.p.dm=-4")}, "s:1;t.dm:-4", false},
	} {
		got, all := tc.data.AppendMember(nil)
		if string(got) != tc.want || all != tc.all {
			t.Errorf("%s: got %q, %v; want %q, %v", tc.name, got, all, tc.want, tc.all)
		}
	}
}

func TestSetMember(t *testing.T) {
	for _, tc := range []struct{ name, state, value, want string }{
		{"into nothing", "", "s:1", "dd=s:1"},
		{"in front", "a=1,b=2", "s:1", "dd=s:1,a=1,b=2"},
		{"the old one goes, wherever it is", "a=1,dd=s:2,b=2", "s:1", "dd=s:1,a=1,b=2"},
		{"behind blanks too", "a=1, dd=s:2\t,\tdd=s:3 , b=2", "s:1", "dd=s:1,a=1,b=2"},
		{"not one that only begins so", "dd2=x", "s:1", "dd=s:1,dd2=x"},
		{"empty members go", ",,a=1,,", "s:1", "dd=s:1,a=1"},
		{"an empty value only removes", "a=1,dd=s:2", "", "a=1"},
		{"to nothing", "dd=s:2", "", ""},
		{"32 members at most, the rightmost goes", members(32), "s:1", "dd=s:1," + members(31)},
		{"broken members are not ours to judge", "A=1,=,b", "s:1", "dd=s:1,A=1,=,b"},
	} {
		if got := SetMember(tc.state, tc.value); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestFindMember(t *testing.T) {
	for _, tc := range []struct {
		state, want string
		ok          bool
	}{
		{"", "", false},
		{"a=1", "", false},
		{"add=1", "", false},
		{"a=1,\t dd=s:1 ,b", "s:1", true},
		{"dd=", "", true},
		{"dd=1,dd=2", "1", true},
	} {
		if got, ok := FindMember(tc.state); got != tc.want || ok != tc.ok {
			t.Errorf("FindMember(%q) = %q, %v; want %q, %v", tc.state, got, ok, tc.want, tc.ok)
		}
	}
}

func TestAMemberTooLongIsNotRead(t *testing.T) {
	if d, ok := ParseMember("s:1;t.a:" + strings.Repeat("x", 246)); ok || !d.isEmpty() {
		t.Errorf("read %+v", d)
	}
}

func FuzzTracestate(f *testing.F) {
	f.Add("dd=s:2;o:rum;p:00f067aa0ba902b7;t.dm:-4;t.usr.id:baz64~~;x:y,a=1")
	f.Add(" dd=s:-1;;t.tid:1;t.a b:;t.x: ,A=1,dd=2")
	f.Add("=,dd=o:~;=~,")
	f.Add("dd=0:\x000") // a zero byte once passed for a byte that needs no escape
	f.Add("dd=a:b;")    // as did an empty entry at the end
	f.Add("dd=:;t.0:\x000")
	f.Add("dd=s:000")
	f.Fuzz(func(t *testing.T, header string) {
		value, found := FindMember(header)
		data, ok := ParseMember(value)
		if !found || !ok {
			return
		}
		once, complete := data.AppendMember(nil)
		if len(once) > maxMemberValue {
			t.Fatalf("%d bytes written", len(once))
		}
		if len(once) > 0 {
			state, err := (trace.TraceState{}).Insert("dd", string(once))
			if err != nil || state.Get("dd") != string(once) {
				t.Fatalf("OpenTelemetry does not take %q: %v", once, err)
			}
		}
		// What was written is read and written alike for ever after. The first writing may replace characters, and with them what an entry is.
		again, ok := ParseMember(string(once))
		if !ok {
			t.Fatalf("%q was written and is not read", once)
		}
		twice, completeAgain := again.AppendMember(nil)
		if isLegal := printable(value) && !strings.Contains(value, "="); complete && isLegal && string(twice) != string(once) {
			t.Fatalf("%q became %q, then %q", value, once, twice)
		}
		last, _ := ParseMember(string(twice))
		if thrice, _ := last.AppendMember(nil); completeAgain && string(thrice) != string(twice) {
			t.Fatalf("%q became %q, %q, then %q", value, once, twice, thrice)
		}
		if parts, orderly := splitMember(value); orderly {
			paddedPriority := data.HasPriority && strconv.Itoa(data.Priority) != parts.priority
			if !complete || string(once) != value && !repeatsTag(value) && !paddedPriority {
				t.Fatalf("%q is called orderly, yet it becomes %q", value, once)
			}
			if parts.lastParent != data.LastParent || parts.foreign != data.foreign || parts.priority != "" != data.HasPriority {
				t.Fatalf("%q: parts %q, data %+v", value, parts, data)
			}
		}
		set := SetMember(header, string(once))
		if len(once) > 0 {
			if got, ok := FindMember(set); !ok || got != string(once) && strings.Trim(string(once), " \t") == string(once) {
				t.Fatalf("%q is not found in %q", once, set)
			}
		}
		if strings.Count(set, ",") >= maxMembers {
			t.Fatalf("%d commas", strings.Count(set, ","))
		}
		if SetMember(set, string(once)) != set {
			t.Fatalf("%q set again is %q", set, SetMember(set, string(once)))
		}
	})
}

func repeatsTag(member string) bool {
	seen := map[string]bool{}
	for entry := range strings.SplitSeq(member, ";") {
		key, _, _ := strings.Cut(entry, ":")
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}
