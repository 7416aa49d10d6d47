package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/story"
)

// joined is what the collector wrote of one trace.
type joined struct {
	id    pcommon.TraceID
	spans []span
	logs  []plog.LogRecord
}

type span struct {
	ptrace.Span
	service string
}

// waitForTrace reads what the collector writes until the whole order is there:
// spans of all three services and the four log lines, each under its span.
func waitForTrace(ctx context.Context, dir, traceID string) (*joined, error) {
	raw, err := hex.DecodeString(traceID)
	if err != nil || len(raw) != 16 {
		return nil, fmt.Errorf("%q is not a 128-bit trace id", traceID)
	}
	ctx, cancel := context.WithTimeout(ctx, joinedWithin)
	defer cancel()
	for {
		tr := &joined{id: pcommon.TraceID(raw)}
		if err := tr.read(dir); err != nil {
			return nil, err
		}
		services := map[string]bool{}
		for _, s := range tr.spans {
			services[s.service] = true
		}
		if services[story.Shop] && services[story.Inventory] && services[story.Ledger] && len(tr.logs) == 4 {
			return tr, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("after %s trace %s had %d spans of %d services and %d of 4 logs", joinedWithin, traceID, len(tr.spans), len(services), len(tr.logs))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (tr *joined) read(dir string) error {
	err := eachLine(filepath.Join(dir, "traces.jsonl"), func(line []byte) error {
		td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(line)
		if err != nil {
			return err
		}
		for _, rs := range td.ResourceSpans().All() {
			service, _ := rs.Resource().Attributes().Get("service.name")
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					if s.TraceID() == tr.id {
						tr.spans = append(tr.spans, span{s, service.AsString()})
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachLine(filepath.Join(dir, "logs.jsonl"), func(line []byte) error {
		ld, err := new(plog.JSONUnmarshaler).UnmarshalLogs(line)
		if err != nil {
			return err
		}
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					if record.TraceID() == tr.id {
						tr.logs = append(tr.logs, record)
					}
				}
			}
		}
		return nil
	})
}

// eachLine calls f for every whole line; the last may still be being written.
func eachLine(file string, f func([]byte) error) error {
	in, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(line); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
}

func (tr *joined) print(w io.Writer) {
	fmt.Fprintf(w, "\ntrace %s (W3C) = %d (Datadog, low 64 bits)\n", tr.id, binary.BigEndian.Uint64(tr.id[8:]))
	known := map[pcommon.SpanID]bool{}
	for _, s := range tr.spans {
		known[s.SpanID()] = true
	}
	slices.SortFunc(tr.spans, func(a, b span) int { return cmp.Compare(a.StartTimestamp(), b.StartTimestamp()) })
	for _, s := range tr.spans {
		if !known[s.ParentSpanID()] {
			tr.printSpan(w, s, 0)
		}
	}
}

func (tr *joined) printSpan(w io.Writer, s span, depth int) {
	indent := strings.Repeat("   ", depth)
	id := s.SpanID()
	fmt.Fprintf(w, "%s└─ %s · %s  %s  span %s = %d", indent, s.service, s.Name(),
		s.EndTimestamp().AsTime().Sub(s.StartTimestamp().AsTime()).Round(time.Microsecond), id, binary.BigEndian.Uint64(id[:]))
	if n, ok := s.Attributes().Get("log.count"); ok {
		fmt.Fprintf(w, "  log.count=%s", n.AsString())
	}
	fmt.Fprintln(w)
	for _, record := range tr.logs {
		if record.SpanID() == id {
			fmt.Fprintf(w, "%s      ▪ %-5s %s  (%s)\n", indent, strings.ToUpper(record.SeverityText()), record.Body().AsString(), linked(record))
		}
	}
	for _, child := range tr.spans {
		if child.ParentSpanID() == id {
			tr.printSpan(w, child, depth+1)
		}
	}
}

// linked says whether a log is linked to its trace, and how or why not.
func linked(record plog.LogRecord) string {
	said := func(name string) string {
		v, _ := record.Attributes().Get(name)
		return v.AsString()
	}
	if said("trace_linked") != "true" {
		return "not linked: " + said("trace_link.miss_reason")
	}
	return "linked by " + said("trace_link.method")
}
