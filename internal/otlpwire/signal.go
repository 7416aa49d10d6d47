package otlpwire

// Signal says where the items of a signal's requests are.
type Signal struct {
	// levels are the fields that lead from the request to an item: those of
	// levels[0] in the request, those of levels[1] in each of them, and so on.
	levels [][]uint64
}

// The field numbers of opentelemetry/proto/{trace,logs,metrics}/v1.
var (
	// Traces counts spans: resource_spans, scope_spans, spans.
	Traces = &Signal{levels: [][]uint64{{1}, {2}, {2}}}
	// Logs counts log records: resource_logs, scope_logs, log_records.
	Logs = &Signal{levels: [][]uint64{{1}, {2}, {2}}}
	// Metrics counts data points: resource_metrics, scope_metrics, metrics; of a
	// metric gauge, sum, histogram, exponential_histogram or summary; data_points.
	Metrics = &Signal{levels: [][]uint64{{1}, {2}, {2}, {5, 7, 9, 10, 11}, {1}}}
)

// Leads reports whether a field of the message at this depth leads to items. One
// that should and has no content is an error: the message is no OTLP.
func (s *Signal) Leads(depth int, f *Field) (bool, error) {
	for _, number := range s.levels[depth] {
		if f.Number == number {
			if f.Content == nil {
				return false, ErrMalformed
			}
			return true, nil
		}
	}
	return false, nil
}

// Items reports whether the fields that lead on at this depth are the items.
func (s *Signal) Items(depth int) bool { return depth == len(s.levels)-1 }

// Count returns the number of items in a message. Of one that can't be read to
// its end it counts what comes before the fault.
func (s *Signal) Count(message []byte) (int, error) { return s.count(message, 0) }

func (s *Signal) count(message []byte, depth int) (n int, err error) {
	for len(message) > 0 {
		var f Field
		if f, message, err = Next(message); err != nil {
			return n, err
		}
		leads, err := s.Leads(depth, &f)
		if err != nil {
			return n, err
		}
		if !leads {
			continue
		}
		if s.Items(depth) {
			n++
			continue
		}
		inner, err := s.count(f.Content, depth+1)
		n += inner
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
