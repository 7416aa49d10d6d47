package crash

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// Ledger knows of every item by its number whether it was offered, acknowledged
// and delivered. A number is the index of its Source and a count.
type Ledger struct {
	mu      sync.Mutex
	sources []*Source
	repeats []int // by life of the collector: arrivals too many of what arrived in it
}

// Numbers of 12 digits and more look like card numbers, which the shipped configurations hide: three hundred sources fit.
const sourceBits = 28

// Source is one client's page in the ledger.
type Source struct {
	Name string

	ledger *Ledger
	base   uint64
	items  []item // by count
	told   int    // refusals, in items
}

type item struct {
	acked     bool
	uncertain bool // sent, and the connection ended without an answer
	arrived   uint16
	life      uint16 // of the collector, in which it arrived last
}

// NewLedger returns an empty ledger of a collector in its first life.
func NewLedger() *Ledger { return &Ledger{repeats: make([]int, 1)} }

// Source opens a page.
func (l *Ledger) Source(name string) *Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &Source{Name: name, ledger: l, base: uint64(len(l.sources)) << sourceBits}
	l.sources = append(l.sources, s)
	return s
}

// Offer hands out n new numbers.
func (s *Source) Offer(n int) []uint64 {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	uids := make([]uint64, n)
	for i := range uids {
		uids[i] = s.base + uint64(len(s.items))
		s.items = append(s.items, item{})
	}
	return uids
}

// Acked writes down that the collector took the items.
func (s *Source) Acked(uids []uint64) {
	s.each(uids, func(i *item) { i.acked = true })
}

// Refused writes down that the collector said no.
func (s *Source) Refused(uids []uint64) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.told += len(uids)
}

// Uncertain writes down that nobody knows whether the items were taken. The
// client will send them again, and twice is then its doing.
func (s *Source) Uncertain(uids []uint64) {
	s.each(uids, func(i *item) { i.uncertain = true })
}

func (s *Source) each(uids []uint64, f func(*item)) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for _, uid := range uids {
		f(&s.items[uid-s.base])
	}
}

// Arrived writes down deliveries.
func (l *Ledger) Arrived(uids []uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, uid := range uids {
		s, n := uid>>sourceBits, uid&(1<<sourceBits-1)
		if s >= uint64(len(l.sources)) || n >= uint64(len(l.sources[s].items)) {
			panic(fmt.Sprintf("an item arrived that nobody sent: %d", uid))
		}
		it := &l.sources[s].items[n]
		if it.arrived > 0 && !it.uncertain {
			l.repeats[it.life]++
		}
		it.arrived++
		it.life = uint16(len(l.repeats) - 1)
	}
}

// Killed writes down that the collector's life ended and the next begins.
func (l *Ledger) Killed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.repeats = append(l.repeats, 0)
}

// WorstKill is the largest number of items that one kill made arrive again. An
// arrival too many belongs to the kill that ended the life of the one before.
func (l *Ledger) WorstKill() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Max(l.repeats)
}

// Sum is a count of items.
type Sum struct {
	Offered, Acked, Refused int
	Lost                    int // acknowledged, never arrived
	Duplicated              int // arrivals too many, of items that the client sent once
	Resent                  int // arrivals too many, of items that the client sent again
}

func (s Sum) add(o Sum) Sum {
	return Sum{s.Offered + o.Offered, s.Acked + o.Acked, s.Refused + o.Refused, s.Lost + o.Lost, s.Duplicated + o.Duplicated, s.Resent + o.Resent}
}

// AckedShare is the part of what was offered that was acknowledged, in percent.
func (s Sum) AckedShare() float64 { return percent(s.Acked, s.Offered) }

func percent(a, b int) float64 { return 100 * float64(a) / float64(max(b, 1)) }

func (s *Source) sum() Sum {
	sum := Sum{Offered: len(s.items), Refused: s.told}
	for _, i := range s.items {
		if i.acked {
			sum.Acked++
			if i.arrived == 0 {
				sum.Lost++
			}
		}
		if extra := int(i.arrived) - 1; extra > 0 {
			if i.uncertain {
				sum.Resent += extra
			} else {
				sum.Duplicated += extra
			}
		}
	}
	return sum
}

// Clone is a copy of the ledger as it is now.
func (l *Ledger) Clone() *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &Ledger{repeats: slices.Clone(l.repeats)}
	for _, s := range l.sources {
		c.sources = append(c.sources, &Source{Name: s.Name, ledger: c, base: s.base, items: slices.Clone(s.items), told: s.told})
	}
	return c
}

// Lost is how many items of some sources are acknowledged and have not arrived.
func (l *Ledger) Lost(of ...*Source) (lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range of {
		lost += s.sum().Lost
	}
	return lost
}

// Total is the sum over all sources.
func (l *Ledger) Total() Sum {
	l.mu.Lock()
	defer l.mu.Unlock()
	var total Sum
	for _, s := range l.sources {
		total = total.add(s.sum())
	}
	return total
}

// Table writes the sums of all sources, those with one name together.
func (l *Ledger) Table(title string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\toffered\tacknowledged\tlost\tduplicated\trefused\tsent again\t\n", title)
	line := func(name string, s Sum) {
		fmt.Fprintf(w, "%s\t%d\t%d (%.1f %%)\t%d (%.2f %%)\t%d (%.2f %%)\t%d\t%d\t\n", name, s.Offered, s.Acked, s.AckedShare(),
			s.Lost, percent(s.Lost, s.Acked), s.Duplicated, percent(s.Duplicated, s.Acked), s.Refused, s.Resent)
	}
	var names []string
	sums := map[string]Sum{}
	var total Sum
	for _, s := range l.sources {
		if _, ok := sums[s.Name]; !ok {
			names = append(names, s.Name)
		}
		sums[s.Name] = sums[s.Name].add(s.sum())
		total = total.add(s.sum())
	}
	for _, name := range names {
		line(name, sums[name])
	}
	line("total", total)
	_ = w.Flush()
	return out.String()
}
