package store

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// Store put+get at a million entries, beside a plain map under a mutex, which
// bounds nothing and forgets nothing.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	for _, procs := range []int{1, 8} {
		b.Run(fmt.Sprintf("store/goroutines=%d", procs), func(b *testing.B) {
			start := time.Now()
			s := New[value](Config{
				MaxEntries: n, MaxBytes: 1 << 30, TTL: time.Hour,
				Now: func() int64 { return int64(time.Since(start)) },
			})
			for i := range n {
				put(s, id(i), 1)
			}
			parallel(b, procs, func(i int) {
				k := id(n + i)
				put(s, k, 2)
				if _, r := get(s, k); r != Hit {
					b.Error("a fresh entry was lost")
				}
			})
		})
		b.Run(fmt.Sprintf("baseline=map/goroutines=%d", procs), func(b *testing.B) {
			var mu sync.Mutex
			m := make(map[Key]value)
			for i := range n {
				m[id(i)] = value{}
			}
			parallel(b, procs, func(i int) {
				k := id(n + i)
				mu.Lock()
				m[k] = value{n: 2}
				delete(m, id(i))
				mu.Unlock()
				mu.Lock()
				_ = m[k]
				mu.Unlock()
			})
		})
	}
}

func parallel(b *testing.B, procs int, f func(i int)) {
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for p := range procs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := p; i < b.N; i += procs {
				f(i)
			}
		}()
	}
	wg.Wait()
}
