package sharedcomponent

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// statusHost is the host the instance sees: what it reports is the status of
// every pipeline's component, also of one that starts later.
type statusHost struct {
	mu    sync.Mutex
	hosts []component.Host
	last  *componentstatus.Event
}

var _ componentstatus.Reporter = (*statusHost)(nil)

func (s *statusHost) add(host component.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts = append(s.hosts, host)
	if s.last != nil {
		componentstatus.ReportStatus(host, s.last)
	}
}

// GetExtensions implements component.Host.
func (s *statusHost) GetExtensions() map[component.ID]component.Component {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts[0].GetExtensions()
}

// Report implements componentstatus.Reporter.
func (s *statusHost) Report(event *componentstatus.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = event
	for _, host := range s.hosts {
		componentstatus.ReportStatus(host, event)
	}
}
