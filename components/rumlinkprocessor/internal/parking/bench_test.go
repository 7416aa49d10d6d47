package parking

import (
	"testing"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// Of a busy span, 10 000 items wait; they leave because it comes, or because
// their time is up. The baseline is as many spans with one item each.
func BenchmarkTenThousandItemsLeave(b *testing.B) {
	const n = 10_000
	for _, c := range []struct {
		name  string
		spans uint64
		leave func(*Queue)
	}{
		{"partner", 1, func(q *Queue) { q.Arrived(index.EntryKey{A: 1}) }},
		{"deadline", 1, func(q *Queue) { q.take() }},
		{"baseline=deadline_of_many_spans", n, func(q *Queue) { q.take() }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				now := int64(0)
				q := New(Config{Wait: time.Second, MaxBytes: 1 << 40, Now: func() int64 { return now }})
				items := make([]*Item, n)
				for i := range items {
					items[i] = &Item{Wants: []index.EntryKey{{A: 1 + uint64(i)%c.spans}}}
				}
				q.insert(items)
				now += int64(time.Second)
				b.StartTimer()
				c.leave(q)
				if q.waiting.oldest() != nil || len(q.waiting.byKey) != 0 {
					b.Fatal("some still wait")
				}
			}
		})
	}
}
