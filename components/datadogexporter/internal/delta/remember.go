package delta

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"

	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// Commit remembers the points of a batch that has been taken. With a journal, it returns when they are in storage.
func (c *Converter) Commit(ctx context.Context, change Change, j *journal.Journal) error {
	now := c.cfg.Now()
	c.mu.Lock()
	for id, l := range change.points {
		s := c.series[id]
		if s == nil {
			if len(c.series) >= c.cfg.MaxSeries {
				continue // another batch came first
			}
			s = &state{}
			c.series[id] = s
		}
		if l.Time < s.Time {
			continue // another batch is further
		}
		s.last, s.seen = l, now
		if j == nil {
			continue
		}
		if !s.noted {
			s.number, s.noted = j.Number(), true
		}
		raw, err := encode(id, l)
		if err != nil {
			c.mu.Unlock()
			return err
		}
		j.Set(s.number, func() []byte { return raw })
	}
	if now.Sub(c.swept) > sweepEvery {
		c.swept = now
		for id, s := range c.series {
			if now.Sub(s.seen) > c.cfg.TTL {
				if s.noted && j != nil {
					j.Remove(s.number)
				}
				delete(c.series, id)
			}
		}
	}
	c.mu.Unlock()
	if j == nil || change.Empty() {
		return nil
	}
	return j.Sync(ctx)
}

// item is what the journal holds of a series.
type item struct {
	ID   ID
	Last last
}

func encode(id ID, l last) ([]byte, error) {
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(item{id, l}); err != nil {
		return nil, fmt.Errorf("encode last point: %w", err)
	}
	return out.Bytes(), nil
}

// Restore takes a series out of the journal. Its error says that it can't be read.
func (c *Converter) Restore(n uint64, raw []byte) error {
	var it item
	if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(&it); err != nil {
		return fmt.Errorf("decode last point: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.series[it.ID] = &state{last: it.Last, seen: c.cfg.Now(), number: n, noted: true}
	return nil
}
